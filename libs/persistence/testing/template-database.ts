import { withClient } from '../../embedded-postgres/testing.js';

const TEMPLATE = 'test_template';
/** Any number, the same in all test processes. */
const LOCK_KEY = 7_265_900;

/**
 * The name of a database with the tables of a product that has started once, to be copied: a copy costs a fraction of what
 * the migrations do. The first that asks in a test run makes it, the others wait.
 *
 * @param server URL of the run's maintenance database
 */
export async function templateDatabase(server: string): Promise<string> {
  await withClient(server, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    const { rows } = await client.query<{ finished: boolean }>(
      'SELECT NOT datallowconn AS finished FROM pg_database WHERE datname = $1',
      [TEMPLATE],
    );
    if (rows[0]?.finished) return;
    // One that was left half made by a test process that was killed.
    await client.query(`DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${TEMPLATE} TEMPLATE template0 STRATEGY file_copy`);
    const url = new URL(server);
    url.pathname = TEMPLATE;
    await makeTables(url.href);
    // Nobody can be connected to it from here on, so that it can always be copied.
    await client.query(`ALTER DATABASE ${TEMPLATE} ALLOW_CONNECTIONS false`);
  });
  return TEMPLATE;
}

/** Each part makes its own at its first use. They are loaded here only, by the one process that needs them. */
async function makeTables(url: string): Promise<void> {
  const { Database } = await import('../database.js');
  const { createJobQueue } = await import('#queue');
  const { createEventBus } = await import('#events');
  const { createLogger } = await import('#telemetry');
  const logger = createLogger('test-database', 'silent');
  const parts = [createJobQueue({ databaseUrl: url, logger }), createEventBus({ databaseUrl: url, logger })];
  const database = new Database(url);
  try {
    await database.connect();
    for (const part of parts) await part.ping();
  } finally {
    for (const part of [...parts, database]) await part.close();
  }
}
