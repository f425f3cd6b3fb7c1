import type { JobOptions } from '#contracts';
import type { Database, Transaction } from '../database.js';
import { claimJob, EARLY_MS, type FreeJob, freeJob, takeJob } from './claim-job.js';
import { fromNow } from './job-sql.js';
import type { Claim } from './lease.js';

/** The best that waits for one demand with one priority. */
export interface LineHead {
  /** Stands for the options that decide which engines can serve: equal options, equal demand. */
  readonly demand: string;
  /** 0 to 9, 9 first. */
  readonly priority: number;
  /** Since when the owner waits for a turn: among equals of one priority the longest goes first. */
  readonly turn: Date;
  /** How long the oldest job of that line has been due. */
  readonly waitedMs: number;
  /** A job whose worker is gone, with its options; undefined for those that wait in line. */
  readonly lost?: { readonly jobId: string; readonly options: JobOptions };
}

/** A job that was taken, or that ended when it was to be taken and is to be announced. */
export type Taken = { readonly claim: Claim } | { readonly endedJobId: string };

/** Lines that are looked at in one transaction; those without a job are removed on the way. */
const LINES_AT_ONCE = 50;

/**
 * The jobs that nobody works on, in the order in which they are to be taken: the highest priority first; within it the
 * owner that has waited longest since its job became due or it was last served; of an owner the job that was due first.
 */
export class JobLineRepository {
  constructor(private readonly database: Database) {}

  /**
   * What can be taken now, best first; nothing when no job is due. Costs a step for each different demand, however many
   * jobs and owners there are.
   */
  async heads(): Promise<LineHead[]> {
    const rows = await this.database.query<HeadRow>(heads, [EARLY_MS]);
    return rows.map(({ demand, priority, turn, waitedMs, jobId, options }) => ({
      ...{ demand, priority, turn, waitedMs },
      ...(jobId === null || options === null ? {} : { lost: { jobId, options } }),
    }));
  }

  /** The options of some job with that demand; undefined when none waits any more. */
  async sampleOf(demand: string): Promise<JobOptions | undefined> {
    const [row] = await this.database.query<{ options: JobOptions }>(
      `SELECT engine_params AS options FROM transcript_jobs WHERE demand = $1 AND status = 'queued'
       ORDER BY priority LIMIT 1`,
      [demand],
    );
    return row?.options;
  }

  /**
   * Takes the best job behind that head.
   *
   * @param patience whether to wait for a line that another worker or a gateway has just now
   * @returns undefined when there is none, or without patience none that could be had
   */
  async take(head: LineHead, workerId: string, leaseMs: number, patience: boolean): Promise<Taken | undefined> {
    return this.database.transaction(async (transaction) => {
      const { lost } = head;
      if (lost === undefined) return takeFromLines(transaction, head, workerId, leaseMs, patience);
      const claim = await claimJob(transaction, lost.jobId, workerId, leaseMs);
      return claim ? { claim } : { endedJobId: lost.jobId };
    });
  }
}

interface HeadRow {
  readonly demand: string;
  readonly priority: number;
  readonly turn: Date;
  readonly waitedMs: number;
  readonly jobId: string | null;
  readonly options: JobOptions | null;
}

/** Goes from one demand and rank to the next by the index on turns, and never through the lines of one of them. */
const heads = `WITH RECURSIVE head AS (
    (SELECT demand, rank, turn, ready_at FROM job_lines ORDER BY demand, rank, turn LIMIT 1)
    UNION ALL
    SELECT next.* FROM head CROSS JOIN LATERAL (
      SELECT demand, rank, turn, ready_at FROM job_lines AS line
      WHERE (line.demand, line.rank) > (head.demand, head.rank) ORDER BY line.demand, line.rank, line.turn LIMIT 1
    ) AS next
  )
  SELECT demand, 9 - rank AS priority, turn, ${msPast('ready_at')} AS "waitedMs", NULL::uuid AS "jobId",
    NULL::jsonb AS options, 1 AS kind
  FROM head WHERE turn <= ${fromNow('$1')}
  UNION ALL
  SELECT demand, priority, lease_until, ${msPast('lease_until')}, job_id, engine_params, 0
  FROM transcript_jobs WHERE status = 'processing' AND lease_until < clock_timestamp() AND NOT is_remote
  ORDER BY priority DESC, kind, turn`;

function msPast(instant: string): string {
  return `greatest(0, extract(epoch FROM clock_timestamp() - ${instant}) * 1000)::double precision`;
}

async function takeFromLines(
  transaction: Transaction,
  head: LineHead,
  workerId: string,
  leaseMs: number,
  patience: boolean,
): Promise<Taken | undefined> {
  const line = { demand: head.demand, rank: 9 - head.priority };
  for (let looked = 0; looked < LINES_AT_ONCE; looked += 1) {
    const owner = await lockLine(transaction, line, patience);
    if (owner === undefined) return undefined;
    const free = await lockFirst(transaction, line, owner);
    const claim = free && (await takeJob(transaction, free, workerId, leaseMs));
    await moveUp(transaction, line, owner, claim !== undefined);
    if (claim) return { claim };
    if (free) return { endedJobId: free.jobId };
  }
  return undefined;
}

interface Line {
  readonly demand: string;
  readonly rank: number;
}

async function lockLine({ query }: Transaction, line: Line, patience: boolean): Promise<string | undefined> {
  const [row] = await query<{ owner: string }>(
    `SELECT owner FROM job_lines WHERE demand = $1 AND rank = $2 AND turn <= ${fromNow('$3')}
     ORDER BY turn LIMIT 1 FOR UPDATE ${patience ? '' : 'SKIP LOCKED'}`,
    [line.demand, line.rank, EARLY_MS],
  );
  return row?.owner;
}

/** The first job of the line that is due. One that is just being cancelled is passed over. */
async function lockFirst({ query }: Transaction, line: Line, owner: string): Promise<FreeJob | undefined> {
  const [free] = await query<FreeJob>(
    `SELECT ${freeJob} FROM transcript_jobs
     WHERE status = 'queued' AND demand = $1 AND priority = 9 - $2::smallint AND owner = $3
       AND not_before <= ${fromNow('$4')}
     ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [line.demand, line.rank, owner, EARLY_MS],
  );
  return free;
}

/**
 * Writes down when the next of the line is due, and removes a line of which nobody is left. An owner that was served
 * stands behind the others, with all of its lines of that priority; one of those that is locked is being served or added
 * to at this moment, and to wait for it could end in a deadlock.
 */
async function moveUp({ query }: Transaction, line: Line, owner: string, served: boolean): Promise<void> {
  await query(
    `WITH next AS MATERIALIZED (
       SELECT not_before FROM transcript_jobs
       WHERE status = 'queued' AND demand = $1 AND priority = 9 - $2::smallint AND owner = $3
       ORDER BY not_before LIMIT 1
     ), removed AS (
       DELETE FROM job_lines WHERE demand = $1 AND rank = $2 AND owner = $3 AND NOT EXISTS (SELECT FROM next)
     )
     UPDATE job_lines AS line
     SET ready_at = CASE WHEN line.demand = $1 THEN (SELECT not_before FROM next) ELSE line.ready_at END,
       served_at = CASE WHEN $4::boolean THEN clock_timestamp() ELSE line.served_at END
     FROM (
       SELECT demand FROM job_lines WHERE rank = $2 AND owner = $3 AND (demand = $1 OR $4::boolean)
       FOR UPDATE SKIP LOCKED
     ) AS free
     WHERE line.rank = $2 AND line.owner = $3 AND line.demand = free.demand
       AND (line.demand <> $1 OR EXISTS (SELECT FROM next))`,
    [line.demand, line.rank, owner, served],
  );
}
