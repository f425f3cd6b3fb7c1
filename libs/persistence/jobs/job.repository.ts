import { hasEnded, type Job, type JobStatus, jobStatuses, PolyscribeError } from '#contracts';
import type { EventDraft } from '#events';
import { Batches } from '#timing';
import type { Database } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { entityOf } from '../returned-row.js';
import { type SubmissionKey, takeKey } from './idempotency.repository.js';
import { toJob } from './job.mapper.js';
import { type JobFilter, type JobPage, listJobs } from './job-list.js';
import {
  type Created,
  type Creation,
  inserted,
  type InsertedRow,
  insertion,
  insertJob,
  lineOf,
  type NewJob,
  told,
} from './insert-jobs.js';
import { cancelled } from './job-sql.js';

export type { NewJob } from './insert-jobs.js';

/** Jobs that are created at once at most. */
const BATCH_JOBS = 32;

/** What became of a wish to cancel: done, passed on to the worker, too late, or no such job. */
export type CancelOutcome = 'cancelled' | 'requested' | 'ended' | 'unknown';

/** What became of a wish to run a job again: it waits, its state does not allow it, its media are gone, or no such job. */
export type RetryOutcome = 'queued' | 'conflict' | 'media_gone' | 'unknown';

/** Jobs as everyone but their worker sees and changes them. */
export class JobRepository {
  /**
   * A new job locks the line in which it waits until it is on the disk: others of that line that come at the same moment
   * would only stand behind it, and go with it instead.
   */
  private readonly creations = new Batches<Creation, Created>({
    most: BATCH_JOBS,
    run: async (creations) => this.createAll(creations),
    line: lineOf,
    isOfOne: (error) => error instanceof PolyscribeError && error.code === 'internal',
  });

  constructor(private readonly database: Database) {}

  /**
   * Writes the job and its empty transcript, both or neither. Where the options allow it and there is a transcript of the
   * same recording with the same options, the job has a copy of it and is completed.
   *
   * @param news events of a job that waits, which go into the log with its row; subscribers are told without being waited for
   */
  async create(job: NewJob, news?: EventDraft): Promise<Job> {
    const creation = { job, news };
    if (job.uploadId !== undefined || job.options.reuse === true) {
      return told(creation, await this.database.transaction((transaction) => insertJob(transaction, creation)));
    }
    return told(creation, await this.creations.add(creation));
  }

  /**
   * The same under a key, which goes to one submission: of two at once, the second waits for the first.
   *
   * @returns undefined, with nothing written, where another submission has the key
   */
  async createOnce(job: NewJob, key: SubmissionKey, news?: EventDraft): Promise<Job | undefined> {
    const creation = { job, news };
    const created = await this.database.transaction(async (transaction) =>
      (await takeKey(transaction, key, job.transcriptId)) ? insertJob(transaction, creation) : undefined,
    );
    return created && told(creation, created);
  }

  async find(jobId: string): Promise<Job | undefined> {
    return this.findBy({ jobId });
  }

  async findByTranscript(transcriptId: string): Promise<Job | undefined> {
    return this.findBy({ transcriptId });
  }

  /**
   * One page of jobs, newest first. Jobs that come in meanwhile neither shift nor repeat what the next page shows.
   *
   * @throws PolyscribeError `invalid_request` for a cursor that we did not give
   */
  async list(filter: JobFilter): Promise<JobPage> {
    return this.database.run((manager) => listJobs(manager, filter));
  }

  /** How many jobs are in each status. */
  async stats(): Promise<Record<JobStatus, number>> {
    const rows = await this.database.query<{ status: JobStatus; jobs: number }>(
      'SELECT status, count(*)::integer AS jobs FROM transcript_jobs GROUP BY status',
    );
    const counts = new Map(rows.map(({ status, jobs }) => [status, jobs]));
    return Object.fromEntries(jobStatuses.map((status) => [status, counts.get(status) ?? 0])) as Record<
      JobStatus,
      number
    >;
  }

  /**
   * Cancels a job that waits, that a remote worker has or whose worker is gone, at once; asks the worker of one that runs,
   * which learns of it when it next renews its lease. Safe to repeat.
   */
  async requestCancel(jobId: string): Promise<CancelOutcome> {
    return this.database.transaction(async ({ query }) => {
      const [job] = await query<{ status: JobStatus; held: boolean }>(
        `SELECT status, lease_until IS NOT NULL AND lease_until >= clock_timestamp() AS held
         FROM transcript_jobs WHERE job_id = $1 FOR UPDATE`,
        [jobId],
      );
      if (!job) return 'unknown';
      if (hasEnded(job.status)) return 'ended';
      // Asked once the row is ours: a statement that waited for it has an old view of other tables.
      if (job.held && (await query(elsewhere, [jobId])).length === 0) {
        await query('UPDATE transcript_jobs SET cancel_requested = true, updated_at = now() WHERE job_id = $1', [
          jobId,
        ]);
        return 'requested';
      }
      await query(`UPDATE transcript_jobs SET ${cancelled} WHERE job_id = $1`, [jobId]);
      return 'cancelled';
    });
  }

  /** Lets a failed or cancelled job run again with its attempts counted anew. Spans that are done stay done. */
  async retry(jobId: string): Promise<RetryOutcome> {
    const retried = await this.database.query(
      `WITH retried AS (UPDATE transcript_jobs
       SET status = 'queued', stage = 'queued', message = '', progress = 0, attempts = 0, fruitful_attempts = 0, run = run + 1,
         cancel_requested = false, announced = false, error_details = NULL, worker_id = NULL, started_at = NULL,
         completed_at = NULL, not_before = now(), updated_at = now(), busy_since = NULL, outage_since = NULL,
         stages = jsonb_build_array(jsonb_build_object('name', 'queued', 'startedAt', clock_timestamp()))
       WHERE job_id = $1 AND status IN ('failed', 'cancelled') AND media_removed_at IS NULL
       RETURNING job_id),
       forgotten AS (DELETE FROM remote_offers WHERE job_id IN (SELECT job_id FROM retried))
       SELECT job_id FROM retried`,
      [jobId],
    );
    if (retried.length > 0) return 'queued';
    const [job] = await this.database.query<{ gone: boolean }>(
      `SELECT status IN ('failed', 'cancelled') AND media_removed_at IS NOT NULL AS gone
       FROM transcript_jobs WHERE job_id = $1`,
      [jobId],
    );
    if (!job) return 'unknown';
    return job.gone ? 'media_gone' : 'conflict';
  }

  /** Removes the job and its transcript with all that belongs to them. Unknown jobs are no error. */
  async delete(jobId: string): Promise<void> {
    await this.database.query(
      // The job first, as its worker locks them: each could otherwise wait for the other.
      'DELETE FROM transcripts WHERE id = (SELECT transcript_id FROM transcript_jobs WHERE job_id = $1 FOR UPDATE)',
      [jobId],
    );
  }

  private async createAll(creations: readonly Creation[]): Promise<Created[]> {
    const { dataSource } = this.database;
    const { sql, parameters } = insertion(dataSource, creations);
    const rows = await this.database.write<InsertedRow>(sql, parameters);
    return creations.map(({ job, news }) => {
      const row = inserted(rows.find(({ job_id: jobId }) => jobId === job.id));
      return { job: toJob(entityOf(dataSource, TranscriptJobEntity, row)), lastSeq: news && row.last_seq };
    });
  }

  private async findBy(key: { jobId: string } | { transcriptId: string }): Promise<Job | undefined> {
    const row = await this.database.run((manager) => manager.findOneBy(TranscriptJobEntity, key));
    return row ? toJob(row) : undefined;
  }
}

/** A remote worker hears of a cancel with its next report, and what it sends after that is refused. */
const elsewhere = `SELECT FROM transcript_jobs JOIN remote_offers AS offer USING (job_id)
  WHERE job_id = $1 AND is_remote AND offer.state <> 'open'`;
