import { randomUUID } from 'node:crypto';
import type { JobOptions } from '#contracts';
import type { Database } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { columnsOf, entityOf, type RowOf } from '../returned-row.js';
import { claimJob, claimOf, EARLY_MS } from './claim-job.js';
import { fromNow } from './job-sql.js';
import type { Claim } from './lease.js';

/** The best that waits for one demand with one priority. */
export interface LineHead {
  /** Stands for the options that decide which engines can serve: equal options, equal demand. */
  readonly demand: string;
  /**
   * Whether its jobs have no more in common than `engine`, `engines` and `allowFallback`: those of an owner that has very
   * many demands.
   */
  readonly isMixed?: true;
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

/** Demands and priorities that one look goes through. */
const MOST_HEADS = 256;
const FIRST_DEMAND = '00000000-0000-0000-0000-000000000000';

/**
 * The jobs that nobody works on, in the order in which they are to be taken: the highest priority first; within it the
 * owner that has waited longest since its job became due or it was last served; of an owner the job that was due first.
 *
 * Costs a step for each different demand, however many jobs and owners there are. Beyond 256 of them each look sees the
 * next 256, so that all have their turn, and the order holds among those that are seen together.
 */
export class JobLineRepository {
  private from = FIRST_DEMAND;

  constructor(private readonly database: Database) {}

  /** What can be taken now, best first; nothing when no job is due. */
  async heads(): Promise<LineHead[]> {
    let hasBegun = false;
    for (;;) {
      const { from } = this;
      hasBegun ||= from === FIRST_DEMAND;
      const rows = await this.database.query<HeadRow>(heads, [from, MOST_HEADS]);
      const isCut = rows.filter(({ jobId }) => jobId === null).length >= MOST_HEADS;
      this.from = isCut ? lastDemand(rows) : FIRST_DEMAND;
      const due = rows.filter(({ isDue }) => isDue).map(toHead);
      if (due.length > 0 || (!isCut && hasBegun)) return due;
    }
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
   * Takes the best job behind that head, past lines that another worker or a gateway has just now.
   *
   * @param patience whether to wait for such a line where there is no other
   * @returns undefined when there is none, or without patience none that could be had
   */
  async take(head: LineHead, workerId: string, leaseMs: number, patience: boolean): Promise<Taken | undefined> {
    if (head.lost !== undefined) return this.takeUp(head.lost.jobId, workerId, leaseMs);
    const line = `take_from_job_line($1, $2, $3, $4, $5, $6, $7)`;
    const parameters = [head.demand, 9 - head.priority, workerId, randomUUID(), leaseMs, EARLY_MS, patience];
    const [found] = await this.found(line, parameters);
    return found && this.takenOf(found, workerId, leaseMs);
  }

  /**
   * The same in one step where the best job of all is one of that demand, and so on for as many as there are places for:
   * each is the best that is left.
   *
   * @returns none where it is not, or could not be had: then the heads are to be looked at
   */
  async takeNext(demand: string, workerId: string, leaseMs: number, places: number): Promise<Taken[]> {
    const tokens = Array.from({ length: places }, () => randomUUID());
    const parameters = [demand, workerId, tokens, leaseMs, EARLY_MS, MOST_HEADS];
    const jobs = await this.found('take_next_jobs($1, $2, $3, $4, $5, $6)', parameters);
    const outcomes = await Promise.allSettled(jobs.map((found) => this.takenOf(found, workerId, leaseMs)));
    const taken = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failed = outcomes.find(({ status }) => status === 'rejected');
    // One that is taken and cannot be read waits for its lease to run out, as after a crash; the others are had.
    if (taken.length === 0 && failed?.status === 'rejected') throw failed.reason;
    return taken;
  }

  private found(call: string, parameters: readonly unknown[]): Promise<FoundJob[]> {
    return this.database.prepared<FoundJob>(
      `SELECT is_taken, ${msPast('(job).busy_since')} AS busy_ms, ${msPast('(job).outage_since')} AS outage_ms,
         ${columnsOf(this.database.dataSource, TranscriptJobEntity, '(job)')} FROM ${call}`,
      parameters,
    );
  }

  private async takenOf(found: FoundJob, workerId: string, leaseMs: number): Promise<Taken> {
    if (!found.is_taken) return this.takeUp(found.job_id, workerId, leaseMs);
    const waitedMs = { busy: found.busy_ms, outage: found.outage_ms };
    return this.database.run(async (manager) => ({
      claim: await claimOf(manager, entityOf(manager.dataSource, TranscriptJobEntity, found), waitedMs),
    }));
  }

  /** Takes a job whose worker is gone, or ends one that is to be taken no more. */
  private takeUp(jobId: string, workerId: string, leaseMs: number): Promise<Taken> {
    return this.database.transaction(async (transaction) => {
      const claim = await claimJob(transaction, jobId, workerId, leaseMs);
      return claim ? { claim } : { endedJobId: jobId };
    });
  }
}

/** With all columns of the job. */
interface FoundJob extends RowOf {
  readonly is_taken: boolean;
  readonly busy_ms: number;
  readonly outage_ms: number;
  readonly job_id: string;
}

interface HeadRow {
  readonly demand: string;
  readonly isMixed: boolean;
  readonly priority: number;
  readonly turn: Date;
  readonly isDue: boolean;
  readonly waitedMs: number;
  readonly jobId: string | null;
  readonly options: JobOptions | null;
}

function toHead({ demand, isMixed, priority, turn, waitedMs, jobId, options }: HeadRow): LineHead {
  return {
    ...{ demand, priority, turn, waitedMs },
    ...(isMixed ? { isMixed } : {}),
    ...(jobId === null || options === null ? {} : { lost: { jobId, options } }),
  };
}

function lastDemand(rows: readonly HeadRow[]): string {
  return rows.reduce((last, { demand, jobId }) => (jobId === null && demand > last ? demand : last), FIRST_DEMAND);
}

/**
 * Goes from one demand and rank to the next by the index on turns, and never through the lines of one of them. $1 is the
 * demand to begin at, $2 how many steps to take.
 */
const heads = `WITH RECURSIVE head AS (
    (SELECT demand, rank, turn, ready_at, is_mixed, 1 AS step FROM job_lines WHERE demand >= $1
     ORDER BY demand, rank, turn LIMIT 1)
    UNION ALL
    SELECT next.*, head.step + 1 FROM head CROSS JOIN LATERAL (
      SELECT demand, rank, turn, ready_at, is_mixed FROM job_lines AS line
      WHERE (line.demand, line.rank) > (head.demand, head.rank) ORDER BY line.demand, line.rank, line.turn LIMIT 1
    ) AS next
    WHERE head.step < $2::integer
  )
  SELECT demand, is_mixed AS "isMixed", 9 - rank AS priority, turn, turn <= ${fromNow(String(EARLY_MS))} AS "isDue",
    ${msPast('ready_at')} AS "waitedMs", NULL::uuid AS "jobId", NULL::jsonb AS options, 1 AS kind
  FROM head
  UNION ALL
  (SELECT demand, false, priority, lease_until, true, ${msPast('lease_until')}, job_id, engine_params, 0
   FROM transcript_jobs WHERE status = 'processing' AND lease_until < clock_timestamp() AND NOT is_remote LIMIT $2)
  ORDER BY priority DESC, kind, turn`;

/** Milliseconds since an instant; 0 for none and for one to come. */
function msPast(instant: string): string {
  return `coalesce(greatest(0, extract(epoch FROM clock_timestamp() - ${instant}) * 1000), 0)::double precision`;
}
