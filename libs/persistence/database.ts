import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Pool, type QueryResultRow } from 'pg';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { PolyscribeError } from '#contracts';
import { GuardedClient } from '#postgres';
import { mapDatabaseError } from './database-error.js';
import { entities } from './entities/index.js';
import { migrations } from './migrations/index.js';

export interface DatabaseOptions {
  /** Connections at most, 10 by default. */
  readonly poolSize?: number;
  /** Shown in the server's list of connections. */
  readonly applicationName?: string;
  /** How long `connect` waits for a database that is away, 60 s by default. */
  readonly connectTimeoutMs?: number;
  /** How long a statement's answer may take, 35 s by default. */
  readonly answerTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** When the server ends a statement, also one whose client is gone. */
export const LONGEST_STATEMENT_MS = 30_000;
const LOCK_TIMEOUT_MS = 10_000;
const IDLE_TRANSACTION_TIMEOUT_MS = 60_000;
/** Somewhat more than the server's own limit: it counts when the network swallows the answer. */
const ANSWER_TIMEOUT_MS = 35_000;
const RETRY_MS = 250;
const MIGRATION_LOCK_TIMEOUT_MS = 120_000;
/** Any number that no other part of the product uses as an advisory lock. */
const MIGRATION_LOCK_KEY = 7_265_002;

/**
 * The connection to our tables. It bounds the number of connections and the time of each statement, and comes back by
 * itself after the database was away.
 */
export class Database {
  readonly dataSource: DataSource;
  private readonly connectTimeoutMs: number;
  private readonly names = new Map<string, string>();

  constructor(
    private readonly url: string,
    options: DatabaseOptions = {},
  ) {
    this.connectTimeoutMs = options.connectTimeoutMs ?? 60_000;
    this.dataSource = new DataSource({
      type: 'postgres',
      url,
      entities,
      migrations,
      migrationsTransactionMode: 'each',
      installExtensions: false,
      logging: false,
      poolSize: options.poolSize ?? 10,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      applicationName: options.applicationName ?? 'polyscribe',
      // The loss of an idle connection is no event: the pool opens another when one is needed.
      poolErrorHandler: () => undefined,
      extra: {
        Client: GuardedClient,
        statement_timeout: LONGEST_STATEMENT_MS,
        lock_timeout: LOCK_TIMEOUT_MS,
        idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
        query_timeout: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
        keepAlive: true,
      },
    });
  }

  /**
   * Connects and brings the tables up to date. Any number of processes may do so at once: one migrates, the others wait.
   *
   * @throws PolyscribeError `dependency_unavailable` when the database stays away
   */
  async connect(): Promise<void> {
    const deadline = performance.now() + this.connectTimeoutMs;
    for (;;) {
      try {
        if (!this.dataSource.isInitialized) await mapped(() => this.dataSource.initialize());
        await mapped(() => this.migrate());
        return;
      } catch (error) {
        if (!isAway(error) || performance.now() >= deadline) throw error;
        await delay(RETRY_MS * (1 + Math.random()));
      }
    }
  }

  /**
   * Runs one statement. The result holds the rows that it returns, for UPDATE and DELETE those of RETURNING.
   *
   * @throws PolyscribeError `dependency_unavailable`, `internal`
   */
  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return mapped(async () => {
      // Not by way of TypeORM: the pool drops a connection on which a statement failed, one that gives no answer among them.
      const { rows } = await poolOf(this.dataSource).query<Row & QueryResultRow>(sql, [...parameters]);
      return rows;
    });
  }

  /**
   * The same for a statement that every job takes: the server reads and plans it once for each connection, by its text. So
   * the text must be one of a few, with what differs in its parameters.
   */
  async prepared<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return mapped(async () => {
      const statement = { name: this.nameOf(sql), text: sql, values: [...parameters] };
      const { rows } = await poolOf(this.dataSource).query<Row & QueryResultRow>(statement);
      return rows;
    });
  }

  /**
   * Runs work in one transaction: all of it is kept or, when it throws, nothing.
   *
   * @throws what the work throws; PolyscribeError `dependency_unavailable`, `internal` for what the database throws;
   *   CommitUnknownError when all of it may be kept nevertheless
   */
  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    const { manager } = runner;
    let committing = false;
    try {
      await runner.startTransaction();
      const result = await work({ manager, query: (sql, parameters = []) => queryRows(manager, sql, parameters) });
      committing = true;
      await runner.commitTransaction();
      return result;
    } catch (thrown) {
      const error = mapDatabaseError(thrown);
      await (isAway(error) ? drop(runner) : rollBack(runner));
      throw committing && isAway(error) ? new CommitUnknownError(error) : error;
    } finally {
      await runner.release();
    }
  }

  /**
   * Runs one statement that is a transaction of its own: the server commits it without another word from here. Prepared as
   * by `prepared`.
   *
   * @throws PolyscribeError as `query`; CommitUnknownError when what it wrote may be kept nevertheless
   */
  async write<Row>(sql: string, parameters: readonly unknown[]): Promise<Row[]> {
    const client = await mapped(async () => poolOf(this.dataSource).connect());
    try {
      const { rows } = await client.query<Row & QueryResultRow>({
        name: this.nameOf(sql),
        text: sql,
        values: [...parameters],
      });
      client.release();
      return rows;
    } catch (thrown) {
      const error = mapDatabaseError(thrown);
      // A connection that gave no answer would keep the next who has it waiting as well.
      client.release(isAway(error));
      throw isAway(error) ? new CommitUnknownError(error) : error;
    }
  }

  /** Runs TypeORM calls with errors as ours. */
  async run<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return mapped(() => work(this.dataSource.manager));
  }

  /** Resolves when the database answers. @throws PolyscribeError `dependency_unavailable` */
  async ping(): Promise<void> {
    await this.query('SELECT 1');
  }

  /** Safe to call more than once. */
  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  private nameOf(sql: string): string {
    const name = this.names.get(sql) ?? `polyscribe_${String(this.names.size)}`;
    this.names.set(sql, name);
    return name;
  }

  private async migrate(): Promise<void> {
    const lock = new Client({ connectionString: this.url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    lock.on('error', () => undefined);
    await lock.connect();
    try {
      await lock.query(`SET statement_timeout = ${String(MIGRATION_LOCK_TIMEOUT_MS)}`);
      await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK_KEY]);
      await this.dataSource.runMigrations();
    } finally {
      // The lock goes with its connection.
      await lock.end().catch(() => undefined);
    }
  }
}

/** TypeORM's connections. It can name no statements. */
function poolOf({ driver }: DataSource): Pool {
  const pool: unknown = 'master' in driver ? driver.master : undefined;
  if (!isPool(pool)) {
    throw new PolyscribeError('dependency_unavailable', 'The database is not connected.');
  }
  return pool;
}

function isPool(value: unknown): value is Pool {
  return typeof value === 'object' && value !== null && 'query' in value && 'totalCount' in value;
}

/** The database went away while it was told to commit: whether it did is known once it is back. */
export class CommitUnknownError extends PolyscribeError {
  constructor(cause: PolyscribeError) {
    super(cause.code, cause.message, {
      cause,
      ...(cause.retryAfterMs === undefined ? {} : { retryAfterMs: cause.retryAfterMs }),
    });
  }
}

/** What runs inside one transaction. */
export interface Transaction {
  readonly manager: EntityManager;
  readonly query: <Row>(sql: string, parameters?: readonly unknown[]) => Promise<Row[]>;
}

async function rollBack(runner: QueryRunner): Promise<void> {
  try {
    await runner.rollbackTransaction();
  } catch {
    await drop(runner);
  }
}

/** The server rolls back what a lost connection had begun; one that gave no answer would keep the next who has it waiting. */
async function drop(runner: QueryRunner): Promise<void> {
  if (runner.isReleased) return;
  const client: unknown = await runner.connect().catch(() => undefined);
  if (client instanceof GuardedClient) await client.drop();
}

async function queryRows<Row>(manager: EntityManager, sql: string, parameters: readonly unknown[]): Promise<Row[]> {
  const result = await manager.query<Row[] | [Row[], number]>(sql, [...parameters]);
  // For UPDATE and DELETE TypeORM gives the rows together with their number.
  const [first] = result;
  return Array.isArray(first) ? first : (result as Row[]);
}

function isAway(error: unknown): error is PolyscribeError {
  return error instanceof PolyscribeError && error.code === 'dependency_unavailable';
}

async function mapped<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw mapDatabaseError(error);
  }
}
