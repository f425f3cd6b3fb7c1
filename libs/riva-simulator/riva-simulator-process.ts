import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromSimulator, ToSimulator } from './process-messages.js';
import type { RivaScript } from './riva-script.js';
import type { SeenSoFar } from './seen-calls.js';
import type { SimulatorTls } from './simulator-tls.js';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const ANSWER_DEADLINE_MS = 30_000;

export interface RivaSimulatorProcessOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** In the clear unless given. */
  readonly tls?: SimulatorTls;
}

/** A simulator in a process of its own, which can be killed as a crash would kill it. Whoever starts it kills it. */
export class RivaSimulatorProcess {
  /** Resolves when the process is gone, whoever ended it. */
  readonly exited: Promise<void>;
  private boundPort = 0;

  private constructor(private readonly child: ChildProcess) {
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  /** Resolves when it serves. @throws Error when it cannot, as when the port is taken */
  static async start(
    script: RivaScript = {},
    { port = 0, tls }: RivaSimulatorProcessOptions = {},
  ): Promise<RivaSimulatorProcess> {
    const child = fork(main, {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        RIVA_SIMULATOR_SCRIPT: JSON.stringify(script),
        RIVA_SIMULATOR_PORT: String(port),
        ...(tls && { RIVA_SIMULATOR_TLS: JSON.stringify(tls) }),
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    const simulator = new RivaSimulatorProcess(child);
    try {
      simulator.boundPort = (await simulator.next('listening')).port;
      return simulator;
    } catch (error) {
      await simulator.kill();
      throw error;
    }
  }

  /** host:port */
  get address(): string {
    return `127.0.0.1:${this.boundPort}`;
  }

  get port(): number {
    return this.boundPort;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** What it saw until now. */
  async seen(): Promise<SeenSoFar> {
    const answer = this.next('seen');
    this.tell({ kind: 'tell_seen' });
    return (await answer).seen;
  }

  /** What health says from now on; calls are served all the same. */
  setServing(serving: boolean): void {
    this.tell({ kind: 'set_serving', serving });
  }

  /** As `kill -9`. Resolves when the process is gone. */
  kill(): Promise<void> {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  private tell(message: ToSimulator): void {
    // A process that is gone shows by the answer that does not come.
    this.child.send(message, () => undefined);
  }

  private next<Kind extends FromSimulator['kind']>(kind: Kind): Promise<Extract<FromSimulator, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.child.off('message', hear);
      };
      const fail = (reason: string): void => {
        settle();
        reject(new Error(`The Riva simulator did not answer: ${reason}.`));
      };
      const hear = (message: FromSimulator): void => {
        if (message.kind === 'failed') fail(message.reason);
        if (!isOfKind(message, kind)) return;
        settle();
        resolve(message);
      };
      const timer = setTimeout(() => fail('it took too long'), ANSWER_DEADLINE_MS);
      this.child.on('message', hear);
      void this.exited.then(() => fail('its process ended'));
    });
  }
}

function isOfKind<Kind extends FromSimulator['kind']>(
  message: FromSimulator,
  kind: Kind,
): message is Extract<FromSimulator, { kind: Kind }> {
  return message.kind === kind;
}
