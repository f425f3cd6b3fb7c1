import { randomUUID } from 'node:crypto';
import type { JobStatus } from '#contracts';
import type { Transaction } from '../database.js';
import { TranscriptJobEntity, TranscriptSpanEntity } from '../entities/index.js';
import { toJob } from './job.mapper.js';
import { cancelled, ended, fromNow, MAX_FAILED_ATTEMPTS } from './job-sql.js';
import type { Claim, SpanRecord, WaitedMs } from './lease.js';

/** A queue's timer and the database's clock may differ by that much. */
export const EARLY_MS = 1_000;

/** Takes the job if it is free; one that is meant for remote workers only with `isRemote`. Ends it instead when it was cancelled meanwhile or has used up its attempts. */
export async function claimJob(
  transaction: Transaction,
  jobId: string,
  workerId: string,
  leaseMs: number,
  isRemote = false,
): Promise<Claim | undefined> {
  const [free] = await transaction.query<FreeJob>(
    `SELECT ${freeJob} FROM transcript_jobs
     WHERE job_id = $1 AND (status = 'queued' AND not_before <= ${fromNow('$2')}
       OR status = 'processing' AND lease_until < clock_timestamp()) AND is_remote = $3
     FOR UPDATE`,
    [jobId, EARLY_MS, isRemote],
  );
  return free && takeJob(transaction, free, workerId, leaseMs);
}

/** The same for a job that is known to be free; its row must be locked. */
export async function takeJob(
  { query, manager }: Transaction,
  free: FreeJob,
  workerId: string,
  leaseMs: number,
): Promise<Claim | undefined> {
  if (free.cancel) {
    await query(`UPDATE transcript_jobs SET ${cancelled} WHERE id = $1`, [free.id]);
    return undefined;
  }
  if (free.status === 'processing') await query(lostCalls, [free.id, MAX_FAILED_ATTEMPTS]);
  if (free.spent) {
    await query(`UPDATE transcript_jobs SET ${spent} WHERE id = $1`, [free.id, gaveUp(free)]);
    return undefined;
  }
  await query(
    `UPDATE transcript_jobs
     SET status = 'processing', attempts = attempts + 1, run = run + 1, worker_id = $2, lease_token = $3,
       lease_until = ${fromNow('$4')}, started_at = coalesce(started_at, clock_timestamp()), updated_at = now()
     WHERE id = $1`,
    [free.id, workerId, randomUUID(), leaseMs],
  );
  const row = await manager.findOneByOrFail(TranscriptJobEntity, { id: free.id });
  return claimOf(manager, row, { busy: free.busy, outage: free.outage });
}

/** A row that was taken just now, as who took it sees it. */
export async function claimOf(
  manager: Transaction['manager'],
  row: TranscriptJobEntity,
  waitedMs: WaitedMs,
): Promise<Claim> {
  return {
    lease: { jobId: row.jobId, token: row.leaseToken ?? '', workerId: row.workerId ?? '', attempt: row.run },
    job: toJob(row),
    // Spans are planned under a lease: nobody had one before the first run.
    spans: row.run === 1 ? [] : await spansOf(manager, row.id),
    maxAttempts: row.fruitfulAttempts + row.maxRetries + 1,
    waitedMs,
  };
}

/** What a claim has to know of a job before it takes it: the columns of a FreeJob. */
export const freeJob = `id, job_id AS "jobId", cancel_requested AS cancel,
  attempts - fruitful_attempts > max_retries AS spent, attempts, status, stage, ${msSince('busy_since')} AS busy,
  ${msSince('outage_since')} AS outage`;

export interface FreeJob {
  readonly id: string;
  readonly jobId: string;
  readonly cancel: boolean;
  readonly spent: boolean;
  readonly attempts: number;
  readonly status: JobStatus;
  readonly stage: string;
  readonly busy: number;
  readonly outage: number;
}

function msSince(column: string): string {
  return `coalesce(greatest(0, extract(epoch FROM clock_timestamp() - ${column}) * 1000), 0)::double precision`;
}

/**
 * Adds the calls that a lost worker was at to the job's history: one of them may be what it died of. $1 is the row, $2
 * how many calls are kept.
 */
const lostCalls = `UPDATE transcript_jobs SET error_details = coalesce(error_details, '{}') || jsonb_build_object(
    'attempts', jsonb_path_query_array(coalesce(error_details->'attempts', '[]') || lost.calls,
      ('$[last - ' || $2::integer - 1 || ' to last]')::jsonpath))
  FROM (
    SELECT jsonb_agg(jsonb_build_object('engine', engine, 'instance', instance, 'code', 'internal',
      'message', 'The worker was lost during this call.') ORDER BY span_index) AS calls
    FROM transcript_spans WHERE transcript_job_id = $1 AND state = 'running'
  ) AS lost
  WHERE transcript_jobs.id = $1 AND lost.calls IS NOT NULL`;

/** Every worker that took the job died or gave it back: it is more likely to kill the next one than to succeed. */
const spent = `status = 'failed', stage = 'failed', message = $2::text, ${ended},
  error_details = coalesce(error_details, '{}') || jsonb_build_object('code', 'internal', 'message', $2::text,
    'retryable', true)`;

function gaveUp({ attempts, status, stage }: FreeJob): string {
  const last = status === 'processing' ? ` The worker of the last was lost at the stage ${stage}.` : '';
  return `Gave up after ${String(attempts)} attempts: none came to an end.${last}`;
}

async function spansOf(manager: Transaction['manager'], id: string): Promise<SpanRecord[]> {
  const rows = await manager.find(TranscriptSpanEntity, { where: { transcriptJobId: id }, order: { index: 'ASC' } });
  return rows.map((row) => ({
    index: row.index,
    startMs: row.startMs,
    endMs: row.endMs,
    ...(row.channel === null ? {} : { channel: row.channel }),
    state: row.state,
    isWhole: row.isWhole,
    isJoined: row.isJoined,
    ...(row.leadMs === 0 ? {} : { leadMs: row.leadMs }),
    ...(row.tailMs === 0 ? {} : { tailMs: row.tailMs }),
    ...(row.engine === null ? {} : { engine: row.engine }),
    ...(row.instance === null ? {} : { instance: row.instance }),
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.language === null ? {} : { language: row.language }),
    warnings: row.warnings,
  }));
}
