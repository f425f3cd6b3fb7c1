import {
  hasEnded,
  type Job,
  type JobOptions,
  type JobStatus,
  jobStatuses,
  type MediaObject,
  PolyscribeError,
  type RemoteMedia,
} from '#contracts';
import type { DataSource } from 'typeorm';
import { Batches } from '#timing';
import type { Database, Transaction } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { columnsOf, entityOf, type RowOf } from '../returned-row.js';
import { copyTranscript } from '../transcripts/copy-transcript.js';
import { takeUpload } from '../uploads/upload.repository.js';
import { storableJson, storableText } from '../storable.js';
import { type SubmissionKey, takeKey } from './idempotency.repository.js';
import { toJob } from './job.mapper.js';
import { type JobFilter, type JobPage, listJobs } from './job-list.js';
import { cancelled, completed } from './job-sql.js';
import { digestOf } from './options-digest.js';

export interface NewJob {
  /** UUID. */
  readonly id: string;
  /** UUID. */
  readonly transcriptId: string;
  readonly options: JobOptions;
  readonly media: MediaObject | RemoteMedia;
  /** UUID of the upload that the media were taken from; no other job can be made of it. */
  readonly uploadId?: string;
}

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
  private readonly creations = new Batches<NewJob, Job>({
    most: BATCH_JOBS,
    run: async (jobs) => this.createAll(jobs),
    line: lineOf,
    isOfOne: (error) => error instanceof PolyscribeError && error.code === 'internal',
  });

  constructor(private readonly database: Database) {}

  /**
   * Writes the job and its empty transcript, both or neither. Where the options allow it and there is a transcript of the
   * same recording with the same options, the job has a copy of it and is completed.
   */
  async create(job: NewJob): Promise<Job> {
    if (job.uploadId !== undefined || job.options.reuse === true) {
      return this.database.transaction((transaction) => insertJob(transaction, job));
    }
    return this.creations.add(job);
  }

  /**
   * The same under a key, which goes to one submission: of two at once, the second waits for the first.
   *
   * @returns undefined, with nothing written, where another submission has the key
   */
  async createOnce(job: NewJob, key: SubmissionKey): Promise<Job | undefined> {
    return this.database.transaction(async (transaction) =>
      (await takeKey(transaction, key, job.transcriptId)) ? insertJob(transaction, job) : undefined,
    );
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
      'DELETE FROM transcripts WHERE id = (SELECT transcript_id FROM transcript_jobs WHERE job_id = $1)',
      [jobId],
    );
  }

  private async createAll(jobs: readonly NewJob[]): Promise<Job[]> {
    const rows = await this.database.write<RowOf>(insertFor(this.database.dataSource), [rowsOf(jobs)]);
    return jobs.map((job) => {
      const row = rows.find((inserted) => inserted['job_id'] === job.id);
      return toJob(entityOf(this.database.dataSource, TranscriptJobEntity, inserted(row)));
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

/** Jobs that are created at once at most. */
const BATCH_JOBS = 32;

/** The same for jobs that stand in one line, whatever else tells them apart. */
function lineOf({ options }: NewJob): string {
  return `${options.priority} ${digestOf(options)} ${options.sessionId ?? ''}`;
}

/** Jobs and their empty transcripts, as one statement. */
const INSERT = `WITH given AS (SELECT * FROM json_to_recordset($1::json) AS job (job_id uuid, transcript_id uuid, engine text,
    engine_params text, session_id text, priority integer, options_digest text, media_filename text, source_url text,
    media_key text, media_bytes bigint, media_sha256 text, media_type text, media_facts text, is_remote boolean)
  ), transcript AS (INSERT INTO transcripts (id) SELECT transcript_id FROM given)
  INSERT INTO transcript_jobs (job_id, transcript_id, engine, engine_params, session_id, priority, options_digest,
    media_filename, source_url, media_key, media_bytes, media_sha256, media_type, media_facts, is_remote, stages)
  SELECT job_id, transcript_id, engine, engine_params::jsonb, session_id, priority, options_digest,
    media_filename, source_url, media_key, media_bytes, media_sha256, media_type, media_facts::jsonb, is_remote,
    jsonb_build_array(jsonb_build_object('name', 'queued', 'startedAt', clock_timestamp()))
  FROM given
  RETURNING `;

function insertFor(dataSource: DataSource): string {
  return INSERT + columnsOf(dataSource, TranscriptJobEntity);
}

/** What the statement is given: an array of objects as JSON. */
function rowsOf(jobs: readonly NewJob[]): string {
  return JSON.stringify(jobs.map(rowOf));
}

function rowOf({ id, transcriptId, options, media }: NewJob): RowOf {
  return {
    job_id: id,
    transcript_id: transcriptId,
    engine: options.engine,
    engine_params: storableJson(options),
    session_id: options.sessionId === undefined ? null : storableText(options.sessionId),
    priority: options.priority,
    options_digest: digestOf(options),
    media_filename: storableText(media.filename),
    ...sourceColumns(media),
    is_remote: options.worker === 'remote',
  };
}

async function insertJob(transaction: Transaction, job: NewJob): Promise<Job> {
  const { query, manager } = transaction;
  if (job.uploadId !== undefined) await takeUpload(transaction, job.uploadId);
  const [row] = await query<RowOf>(insertFor(manager.dataSource), [rowsOf([job])]);
  const entity = entityOf(manager.dataSource, TranscriptJobEntity, inserted(row));
  if (job.options.reuse !== true || !(await copyTranscript(transaction, entity.id))) return toJob(entity);
  await query(`UPDATE transcript_jobs SET ${completed} WHERE id = $1`, [entity.id]);
  return toJob(await manager.findOneByOrFail(TranscriptJobEntity, { id: entity.id }));
}

function inserted(row: RowOf | undefined): RowOf {
  if (!row) throw new Error('An INSERT returned no row.');
  return row;
}

/** Where the media are to come from, and what is known of them. */
function sourceColumns(media: MediaObject | RemoteMedia): RowOf {
  if ('url' in media) {
    return { source_url: storableText(media.url), media_bytes: 0, media_sha256: '', media_type: '' };
  }
  return {
    media_key: media.key,
    media_bytes: media.bytes,
    media_sha256: media.sha256,
    media_type: media.mediaType,
    media_facts: media.facts ? storableJson(media.facts) : null,
  };
}
