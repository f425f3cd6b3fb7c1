import { randomUUID } from 'node:crypto';
import { sharedServer, withClient } from '../embedded-postgres/testing.js';

export { newJob, segment, spanResult } from './testing/new-job.js';

export interface TestDatabase {
  readonly url: string;
  /** Drops the database; connections that are still open are cut. */
  stop(): Promise<void>;
}

/**
 * An empty PostgreSQL database for one suite. All of a test run share one server, which starts when the first suite asks.
 */
export async function startTestDatabase(): Promise<TestDatabase> {
  const server = await sharedServer();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await withClient(server, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0 STRATEGY file_copy`));
  const url = new URL(server);
  url.pathname = name;
  return {
    url: url.href,
    stop: async () => {
      await withClient(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}
