import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendFactory,
  createPostgresBackend,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
  runMigrations,
  withBackend,
} from 'bullmq';
import pg from 'pg';

/** How long a call to the queue may take before the answer is `dependency_unavailable`. */
export const CALL_DEADLINE_MS = 2_000;
const STATEMENT_DEADLINE_MS = 5_000;
const MIGRATION_DEADLINE_MS = 60_000;
const MAX_CONNECTIONS = 2;
const FAILED_CLAIM_PAUSE_MS = 500;

/** NOTIFY is only a hint: how often a consumer without work looks all the same. */
const LONGEST_WAIT_S = 5;

/**
 * BullMQ's backend with two of its habits changed.
 *
 * It waits after a claim that failed. BullMQ does so only when the connection was refused: on any other fault (a server
 * that is shutting down, a statement that took too long) it would claim again at once, in a hot loop.
 *
 * It never waits long without a look. BullMQ would wait for an hour after a lost connection or while work is delayed,
 * trusting that every announcement arrives.
 */
const patientPostgresBackend: BackendFactory<PostgresQueueBackend, PostgresConnectionOptions> = (name, opts, extra) => {
  const backend = createPostgresBackend(name, opts, extra);
  Object.defineProperty(backend, 'maximumBlockTimeout', { value: LONGEST_WAIT_S });
  type Claim = (...args: Parameters<PostgresQueueBackend['moveToActive']>) => Promise<unknown[]>;
  const claim: Claim = backend.moveToActive.bind(backend);
  backend.moveToActive = async (...args) => {
    try {
      return await claim(...args);
    } catch (error) {
      await sleep(FAILED_CLAIM_PAUSE_MS);
      throw error;
    }
  };
  return backend;
};

/** BullMQ's classes on PostgreSQL. */
export const bull = withBackend(patientPostgresBackend);

export function connectionOptions(databaseUrl: string): PostgresConnectionOptions {
  return {
    connectionString: databaseUrl,
    application_name: 'polyscribe-queue',
    connectionTimeoutMillis: CALL_DEADLINE_MS,
    statement_timeout: STATEMENT_DEADLINE_MS,
    query_timeout: STATEMENT_DEADLINE_MS,
    keepAlive: true,
    max: MAX_CONNECTIONS,
  };
}

/**
 * Sets up BullMQ's tables (schema `bullmq`) with deadlines of their own: a first start, or several at once that wait for
 * each other, takes longer than a call may.
 */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'polyscribe-queue',
    connectionTimeoutMillis: CALL_DEADLINE_MS,
    statement_timeout: MIGRATION_DEADLINE_MS,
    query_timeout: MIGRATION_DEADLINE_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await runMigrations(client);
  } finally {
    await client.end();
  }
}
