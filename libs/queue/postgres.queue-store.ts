import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BackendFactory,
  createPostgresBackend,
  isPgPool,
  type PostgresQueueBackend,
  runMigrations,
  withBackend,
} from 'bullmq';
import pg from 'pg';
import { asUnavailable, GuardedClient } from '#postgres';
import {
  CALL_DEADLINE_MS,
  type Entries,
  type EntryData,
  type EntryProcessor,
  type EntryWorker,
  type EntryWorkerOptions,
  type QueueStore,
} from './queue-store.js';

const STATEMENT_DEADLINE_MS = 5_000;
const MIGRATION_DEADLINE_MS = 60_000;
/** A server that is away shows sooner. */
const OPEN_DEADLINE_MS = 15_000;
/** Two for statements, one that listens. */
const MAX_CONNECTIONS = 3;
const BULL_SCHEMA = 'bullmq';
const FAILED_CLAIM_PAUSE_MS = 500;
/** Nothing here reads BullMQ's own events; it keeps 10,000 by default. */
const KEPT_BULL_EVENTS = 500;

/** NOTIFY is only a hint: how often a consumer without work looks all the same. */
const LONGEST_WAIT_S = 5;

/**
 * BullMQ's backend on a pool of ours, with two of its habits changed.
 *
 * The pool is ours because BullMQ's own ends the process when the server shuts down while somebody connects.
 *
 * It waits after a claim that failed. BullMQ does so only when the connection was refused: on any other fault (a server
 * that is shutting down, a statement that took too long) it would claim again at once, in a hot loop.
 *
 * It never waits long without a look. BullMQ would wait for an hour after a lost connection or while work is delayed,
 * trusting that every announcement arrives.
 */
const patientPostgresBackend: BackendFactory<PostgresQueueBackend, pg.PoolConfig> = (name, opts, extra) => {
  const pool = new pg.Pool(opts.connection);
  // The guard only tells the compiler: the types of pg and of BullMQ say the same in different words.
  if (!isPgPool(pool)) throw new TypeError('BullMQ does not take the pool.');
  const backend = createPostgresBackend(name, { ...opts, connection: pool }, extra);
  backend.once('close', () => void pool.end());
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
const bull = withBackend(patientPostgresBackend);

/** BullMQ on PostgreSQL. */
export class PostgresQueueStore implements QueueStore {
  readonly openDeadlineMs = OPEN_DEADLINE_MS;
  readonly asUnavailable = asUnavailable;

  constructor(private readonly databaseUrl: string) {}

  prepare(): Promise<void> {
    return migrateQueue(this.databaseUrl);
  }

  queue(name: string): Entries {
    return new bull.Queue<EntryData>(name, {
      connection: connectionOptions(this.databaseUrl),
      streams: { events: { maxLen: KEPT_BULL_EVENTS } },
    });
  }

  worker(name: string, processor: EntryProcessor, options: EntryWorkerOptions): EntryWorker {
    return new bull.Worker<EntryData>(name, processor, {
      ...options,
      connection: connectionOptions(this.databaseUrl),
    });
  }

  /** The sequence of a table outlives its rows. */
  entryId(): undefined {
    return undefined;
  }

  /** The pool drops a connection whose statement ran into its deadline. */
  recover(): void {
    return undefined;
  }

  forLog(error: unknown): unknown {
    return error;
  }
}

function connectionOptions(databaseUrl: string): pg.PoolConfig {
  return {
    Client: GuardedClient,
    connectionString: databaseUrl,
    // The commands of BullMQ name their tables without the schema. No step of the queue waits for the disk: what a power cut
    // takes from it is in the jobs' rows, from which it is put back, as it is when Redis is lost.
    options: `-c search_path=${BULL_SCHEMA} -c synchronous_commit=off`,
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
async function migrateQueue(databaseUrl: string): Promise<void> {
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
