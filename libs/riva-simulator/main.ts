import type { FromSimulator, ToSimulator } from './process-messages.js';
import type { RivaScript } from './riva-script.js';
import { startRivaSimulator } from './riva-simulator.js';
import type { SimulatorTls } from './simulator-tls.js';

/**
 * A simulated Riva server as a process of its own, for tests that kill it and for measurements.
 *
 * - `RIVA_SIMULATOR_SCRIPT`: a {@link RivaScript} as JSON; a healthy default deployment without it
 * - `RIVA_SIMULATOR_PORT`: where it listens on 127.0.0.1; a free port without it
 * - `RIVA_SIMULATOR_TLS`: a {@link SimulatorTls} as JSON; in the clear without it
 *
 * Started with an IPC channel it speaks {@link FromSimulator} and ends with its parent, otherwise it prints its address.
 */
const { RIVA_SIMULATOR_SCRIPT: script = '{}', RIVA_SIMULATOR_PORT: port = '0', RIVA_SIMULATOR_TLS: tls } = process.env;

const simulator = await startRivaSimulator(JSON.parse(script) as RivaScript, {
  port: Number(port),
  ...(tls !== undefined && { tls: JSON.parse(tls) as SimulatorTls }),
  onDie: () => process.kill(process.pid, 'SIGKILL'),
}).catch((error: unknown) => {
  tell({ kind: 'failed', reason: String(error) });
  process.exit(1);
});

process.on('message', (message: ToSimulator) => {
  if (message.kind === 'tell_seen') tell({ kind: 'seen', seen: simulator.seen.soFar() });
  else simulator.setServing(message.serving);
});
for (const end of ['SIGTERM', 'SIGINT', 'disconnect'] as const) {
  process.once(end, () => void simulator.stop().then(() => process.exit(0)));
}
tell({ kind: 'listening', port: simulator.port });

function tell(message: FromSimulator): void {
  if (process.send) process.send(message);
  else process.stdout.write(`${JSON.stringify(message)}\n`);
}
