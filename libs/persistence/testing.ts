import { randomUUID } from 'node:crypto';
import { sharedServer, withClient } from '../embedded-postgres/testing.js';
import { templateDatabase } from './testing/template-database.js';

export { newJob, segment, spanResult } from './testing/new-job.js';

export interface TestDatabase {
  readonly url: string;
  /** Drops the database; connections that are still open are cut. */
  stop(): Promise<void>;
}

/**
 * A PostgreSQL database for one suite, with the tables of a product that has started before. All of a test run share one
 * server, which starts when the first suite asks.
 */
export async function startTestDatabase(): Promise<TestDatabase> {
  const server = await sharedServer();
  return copyOf(await templateDatabase(server), server);
}

/** The same without any table, for tests of how these are made. */
export async function startEmptyDatabase(): Promise<TestDatabase> {
  return copyOf('template0', await sharedServer());
}

async function copyOf(template: string, server: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await withClient(server, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`));
  const url = new URL(server);
  url.pathname = name;
  return {
    url: url.href,
    stop: async () => {
      await withClient(server, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}
