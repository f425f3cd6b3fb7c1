import { loadConfig } from '#config';
import { createLogger } from '#telemetry';
import { embeddedPostgres } from '../embedded-postgres.js';
import { withClient } from '../postgres-server.js';

/**
 * A process that owns an embedded PostgreSQL, for tests that kill it. Takes the data directory as its argument and tells
 * what happens as lines of JSON on standard output: `ready`, `refused`, `failed` or `stopped`.
 */
function tell(line: Record<string, string>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const config = loadConfig({ DATA_DIR: process.argv[2] });
const logger = createLogger('owner', 'silent');
const signalled = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
  process.once('SIGINT', () => resolve());
});
try {
  const endpoint = (): string => '';
  const service = await embeddedPostgres.start({ config, logger, endpoint });
  const url = service.endpoints?.database ?? '';
  tell({ ready: url });
  const failure = await Promise.race([signalled, service.failed]);
  if (failure) tell({ failed: failure.message });
  // A signal to the whole process group must leave the database to us until we stop it.
  else await withClient(url, (client) => client.query('SELECT 1'));
  await service.stop();
  tell({ stopped: '' });
} catch (error) {
  tell({ refused: error instanceof Error ? error.message : '' });
}
