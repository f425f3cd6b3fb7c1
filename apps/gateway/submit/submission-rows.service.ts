import { Injectable } from '@nestjs/common';
import { type Job, PolyscribeError } from '#contracts';
import type { EventDraft } from '#events';
import {
  CommitUnknownError,
  type EarlierSubmission,
  IdempotencyRepository,
  JobRepository,
  type NewJob,
  type SubmissionKey,
} from '#persistence';
import { briefly } from '../answer-time.js';
import { JobHandOver } from '../jobs/job-hand-over.service.js';
import { otherPayload } from './submission-key.js';

/** What became of a submission. */
export interface Submitted {
  readonly job: Job;
  /** Whether the job is that of an earlier submission under the same key. */
  readonly replayed: boolean;
}

/** Makes a job of what is accepted, once for each key. */
@Injectable()
export class SubmissionRows {
  constructor(
    private readonly jobs: JobRepository,
    private readonly keys: IdempotencyRepository,
    private readonly handOver: JobHandOver,
  ) {}

  /** The submission that has the key; undefined where there is no key, or it is free. */
  async earlier(key: string | undefined): Promise<EarlierSubmission | undefined> {
    return key === undefined ? undefined : this.keys.find(key);
  }

  /** The job of an earlier submission. @throws PolyscribeError `idempotency_mismatch` where that was another one */
  async replay({ fingerprint }: SubmissionKey, earlier: EarlierSubmission): Promise<Submitted> {
    if (earlier.fingerprint !== fingerprint) throw otherPayload();
    const job = await this.jobs.find(earlier.jobId);
    if (!job) throw erasedMeanwhile();
    return { job, replayed: true };
  }

  /**
   * Makes the job and hands it over, or finds the one that another submission under the same key made first.
   *
   * @throws PolyscribeError; CommitUnknownError when the job may have been made all the same
   */
  async create(newJob: NewJob, key: SubmissionKey | undefined): Promise<Submitted> {
    const news = await this.handOver.news(newJob.id);
    const job = await this.write(newJob, key, news);
    if (job) {
      // The rows are the job: from here on it is accepted, whatever becomes of the news and the queue entry.
      if (job.status === 'completed') await briefly(this.handOver.toReaders(job));
      else this.handOver.begin(job, news !== undefined);
      return { job, replayed: false };
    }
    const earlier = await this.earlier(key?.key);
    if (!key || !earlier) throw erasedMeanwhile();
    return this.replay(key, earlier);
  }

  private async write(
    newJob: NewJob,
    key: SubmissionKey | undefined,
    news: EventDraft | undefined,
  ): Promise<Job | undefined> {
    try {
      return await (key ? this.jobs.createOnce(newJob, key, news) : this.jobs.create(newJob, news));
    } catch (error) {
      if (!(error instanceof CommitUnknownError)) throw error;
      const job = await this.jobs.find(newJob.id).catch(() => undefined);
      if (!job) throw error;
      return job;
    }
  }
}

/** The earlier job went between two looks; the next try finds the key free. */
function erasedMeanwhile(): PolyscribeError {
  const message = 'The earlier submission under this Idempotency-Key is just being erased; send it again.';
  return new PolyscribeError('dependency_unavailable', message, { retryAfterMs: 1_000 });
}
