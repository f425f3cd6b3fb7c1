import pg from 'pg';
import type { JobEvent, JobEventBody } from '#contracts';
import { asUnavailable, GuardedClient, StatementError } from '#postgres';
import { Batches, withDeadline } from '#timing';
import { migrateEventLog } from './event-log.migrations.js';

/** How long a caller waits for the database before the answer is `dependency_unavailable`. */
const CALL_DEADLINE_MS = 4_000;
/** The first call may have to set up the tables, or wait for another process that does; a server that is away shows sooner. */
const OPEN_DEADLINE_MS = 15_000;
const CONNECT_DEADLINE_MS = 2_000;
const STATEMENT_DEADLINE_MS = 4_000;
const MIGRATION_DEADLINE_MS = 60_000;
const MAX_CONNECTIONS = 4;
/** Logs that one statement of a sweep removes, so that it stays within its deadline and holds few locks. */
const EXPIRE_BATCH = 200;

/** How many events a read gives at most to a subscription; the rest waits in the log. */
export const PAGE_EVENTS = 500;

const UNAVAILABLE = 'The event log does not answer; try again later.';

/** The channel on which publishers say that a job's log has grown: `<seq>:<job id>`. Only a hint, never the news itself. */
export const CHANNEL = 'polyscribe_events';

interface CounterRow {
  job_id: string;
  last_seq: string;
}

interface EventRow {
  seq: string;
  type: string;
  data: unknown;
}

/**
 * Appends what an expression of type json says, which is an `Append`.
 *
 * Sequence numbers come from a counter row per job, which also is the lock that keeps writers apart: an append that fails
 * takes its number back with it, so there are no gaps. The counter outlives an expired log, so that the events of a
 * retried job go on from there and a client's last event id keeps its meaning.
 */
function appendCall(addition: string): string {
  const list = (name: string) => `ARRAY(SELECT json_array_elements_text(${addition}->'${name}'))`;
  const notify = `(${addition}->>'notify')::boolean`;
  return `events.append(${addition}->>'job', ${list('types')}, ${list('data')}, ${addition}->>'key', ${notify})`;
}

/** What goes into one job's log in one piece. */
interface Addition {
  readonly jobId: string;
  readonly events: readonly JobEventBody[];
  readonly key: string | undefined;
}

/** Additions that one statement makes, and with it one commit that reaches the disk. */
const BATCH_ADDITIONS = 64;

/** $1 is an array of objects with what `events.append` is given, in the order in which their counters are to be locked. */
const APPEND = {
  name: 'polyscribe_append_events',
  text: `SELECT events.append(job, types, data, key, $2) AS last_seq
    FROM json_to_recordset($1::json) AS addition (job text, types text[], data text[], key text)`,
};

/** Events on their way into the log, as a statement is given them. */
interface Append {
  readonly job: string;
  readonly types: readonly string[];
  /** JSON of each. */
  readonly data: readonly string[];
  readonly key: string | null;
  readonly notify: boolean;
}

/** The tables of the log: what is published is in here before anybody hears of it. */
export class EventLog {
  private readonly pool: pg.Pool;
  private readonly additions = new Batches<Addition, JobEvent[]>({
    most: BATCH_ADDITIONS,
    run: async (additions) => this.appendAll(additions),
    apart: ({ jobId }) => jobId,
    isOfOne: (error) => error instanceof StatementError,
  });
  private migrated: Promise<void> | undefined;

  /**
   * @param notify whether appending tells who listens on this database
   * @param onIdleError told when an idle connection is lost; the next call opens another
   */
  constructor(
    private readonly databaseUrl: string,
    private readonly notify: boolean,
    onIdleError: (error: Error) => void,
  ) {
    this.pool = new pg.Pool({ ...this.connectionOptions(), Client: GuardedClient, max: MAX_CONNECTIONS });
    this.pool.on('error', onIdleError);
  }

  /** Also for the connection that listens, which is not of the pool. */
  connectionOptions(): pg.ClientConfig {
    return {
      connectionString: this.databaseUrl,
      application_name: 'polyscribe-events',
      connectionTimeoutMillis: CONNECT_DEADLINE_MS,
      statement_timeout: STATEMENT_DEADLINE_MS,
      query_timeout: STATEMENT_DEADLINE_MS,
      keepAlive: true,
    };
  }

  /** The append as a part of a statement of somebody else, whose value is the last sequence. */
  appending(
    jobId: string,
    events: readonly JobEventBody[],
    key: string | undefined,
  ): { readonly sql: typeof appendCall; readonly addition: Append } {
    return { sql: appendCall, addition: { ...appendOf({ jobId, events, key }), notify: this.notify } };
  }

  /** @returns the events with their sequence; none when the key has been used already, or the job forgotten */
  async append(jobId: string, events: readonly JobEventBody[], key: string | undefined): Promise<JobEvent[]> {
    if (events.length === 0) return [];
    return this.additions.add({ jobId, events, key });
  }

  async read(jobId: string, afterSeq: number, limit: number): Promise<JobEvent[]> {
    const { rows } = await this.query<EventRow>(
      'SELECT seq, type, data FROM events.job_event WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3',
      [jobId, afterSeq, limit],
    );
    // Only `append` writes the table, from events of this type.
    return rows.map((row) => ({ type: row.type, data: row.data, seq: Number(row.seq) }) as JobEvent);
  }

  async forget(jobId: string): Promise<void> {
    await this.query('SELECT events.forget($1::text)', [jobId]);
  }

  /** @returns how many jobs lost their log */
  async expire(olderThan: Date): Promise<number> {
    let expired = 0;
    for (;;) {
      const { rowCount } = await this.query(
        `WITH old AS (
           SELECT job_id FROM events.job_log
           WHERE kept AND updated_at < $1
           ORDER BY updated_at LIMIT $2
           FOR UPDATE SKIP LOCKED
         ), gone AS (
           DELETE FROM events.job_event WHERE job_id IN (SELECT job_id FROM old)
         )
         UPDATE events.job_log SET kept = false WHERE job_id IN (SELECT job_id FROM old)`,
        [olderThan, EXPIRE_BATCH],
      );
      expired += rowCount ?? 0;
      if ((rowCount ?? 0) < EXPIRE_BATCH) break;
    }
    await this.expireMarks(olderThan);
    return expired;
  }

  /** By then nobody is left who could tell something of a job that was forgotten. */
  private async expireMarks(olderThan: Date): Promise<void> {
    for (;;) {
      const { rowCount } = await this.query(
        `DELETE FROM events.job_log WHERE job_id IN (
           SELECT job_id FROM events.job_log WHERE forgotten_at < $1
           ORDER BY forgotten_at LIMIT $2
           FOR UPDATE SKIP LOCKED)`,
        [olderThan, EXPIRE_BATCH],
      );
      if ((rowCount ?? 0) < EXPIRE_BATCH) return;
    }
  }

  /**
   * The highest sequence of each job that has a log.
   *
   * @param client asks over this connection, which shows as well that it lives
   */
  async lastSeqs(jobIds: readonly string[], client?: pg.Client): Promise<{ jobId: string; seq: number }[]> {
    if (jobIds.length === 0 && !client) return [];
    const statement = 'SELECT job_id, last_seq FROM events.job_log WHERE job_id = ANY ($1)';
    const { rows } = await (client?.query<CounterRow>(statement, [jobIds]) ??
      this.query<CounterRow>(statement, [jobIds]));
    return rows.map((row) => ({ jobId: row.job_id, seq: Number(row.last_seq) }));
  }

  async ping(): Promise<void> {
    await this.query('SELECT 1', []);
  }

  /** Resolves when the tables are there. @throws PolyscribeError `dependency_unavailable` */
  async ready(): Promise<void> {
    this.migrated ??= this.migrate().catch((error: unknown) => {
      // Not kept: the next call tries again, the database may be back by then.
      this.migrated = undefined;
      throw asUnavailable(error, UNAVAILABLE);
    });
    await this.migrated;
  }

  /** The same within the time that a caller may be kept waiting. */
  async opened(): Promise<void> {
    await withDeadline(this.ready(), OPEN_DEADLINE_MS, UNAVAILABLE);
  }

  async close(): Promise<void> {
    await this.migrated?.catch(() => undefined);
    await this.pool.end();
  }

  private async appendAll(additions: readonly Addition[]): Promise<JobEvent[][]> {
    // All processes in one order: two that locked the counters of the same jobs in different ones could wait for each other.
    const sorted = additions.toSorted((one, other) => (one.jobId < other.jobId ? -1 : 1));
    const rows = sorted.map(appendOf);
    const result = await this.query<{ last_seq: string | null }>(APPEND, [JSON.stringify(rows), this.notify]);
    const lastSeqs = new Map(sorted.map(({ jobId }, index) => [jobId, result.rows[index]?.last_seq ?? null]));
    return additions.map(({ jobId, events }) => numbered(events, lastSeqs.get(jobId) ?? null));
  }

  private async migrate(): Promise<void> {
    const client = new pg.Client({
      ...this.connectionOptions(),
      statement_timeout: MIGRATION_DEADLINE_MS,
      query_timeout: MIGRATION_DEADLINE_MS,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await migrateEventLog(client);
    } finally {
      await client.end();
    }
  }

  private async query<Row extends pg.QueryResultRow>(
    statement: string | { readonly name: string; readonly text: string },
    values: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const query = typeof statement === 'string' ? { text: statement, values } : { ...statement, values };
    try {
      await this.opened();
      return await withDeadline(this.pool.query<Row>(query), CALL_DEADLINE_MS, UNAVAILABLE);
    } catch (error) {
      throw asUnavailable(error, UNAVAILABLE);
    }
  }
}

function appendOf({ jobId, events, key }: Addition): Omit<Append, 'notify'> {
  return {
    job: jobId,
    types: events.map(({ type }) => type),
    data: events.map(({ data }) => JSON.stringify(data)),
    key: key ?? null,
  };
}

/** @param lastSeq of the last of them, as text or number; null where they were not taken */
export function numbered(events: readonly JobEventBody[], lastSeq: string | number | null): JobEvent[] {
  if (lastSeq === null) return [];
  const first = Number(lastSeq) - events.length + 1;
  return events.map((event, index) => ({ ...event, seq: first + index }));
}
