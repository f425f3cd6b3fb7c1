// Asks a gRPC server whether it serves, for the health checks of containers:
//   node dist/apps/health-check/main.js HOST:PORT [SERVICE]
// Exit code 0 when it does; otherwise 1 and one line on standard error. Uses GRPC_TLS_* as the server does.
import { loadConfig } from '#config';
import { checkHealth } from './check-health.js';

/** With the start of the process less than what our compose file allows. */
const DEADLINE_MS = 2_000;

const [address, service = ''] = process.argv.slice(2);
try {
  if (address === undefined) throw new Error('say whom to ask: health-check HOST:PORT [SERVICE]');
  await checkHealth({ address, service, tls: loadConfig().innerTls, deadlineMs: DEADLINE_MS });
} catch (error) {
  process.stderr.write(`polyscribe: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
