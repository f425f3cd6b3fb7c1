import { Injectable } from '@nestjs/common';
import { type Job, PolyscribeError } from '#contracts';
import { ObjectStore } from '#objects';
import { JobRepository, type RetryOutcome } from '#persistence';
import { briefly } from '../answer-time.js';
import { changeJob } from './change-job.js';
import { JobHandOver } from './job-hand-over.service.js';
import { JobQueries } from './job-queries.service.js';

/** Lets jobs run again. */
@Injectable()
export class RetryJob {
  constructor(
    private readonly queries: JobQueries,
    private readonly jobs: JobRepository,
    private readonly objects: ObjectStore,
    private readonly handOver: JobHandOver,
  ) {}

  /**
   * Queues a failed or cancelled job again; what it had finished is kept.
   *
   * @throws PolyscribeError `job_not_found`, `job_state_conflict` when it has not ended or was completed, or its recording
   *   is no longer kept
   */
  async retry(jobId: string): Promise<Job> {
    const { job, outcome } = await changeJob(
      this.queries,
      jobId,
      () => this.queueAgain(jobId),
      'database or object store',
    );
    if (outcome !== 'queued') {
      const message =
        outcome === 'conflict'
          ? `The job is ${job.status}; only a failed or cancelled one can be retried.`
          : 'The recording of this job is no longer kept; submit it again.';
      throw new PolyscribeError('job_state_conflict', message, { facts: { job_status: job.status } });
    }
    await briefly(this.handOver.toWorkers(job));
    return job;
  }

  /** Media may also go behind our back, as by a rule of the bucket: such a job could only fail again. */
  private async queueAgain(jobId: string): Promise<RetryOutcome> {
    const job = await this.jobs.find(jobId);
    const mayRun = job?.status === 'failed' || job?.status === 'cancelled';
    // What was never fetched is fetched then.
    if (mayRun && job.media && !(await this.objects.stat(job.media.key))) return 'media_gone';
    return this.jobs.retry(jobId);
  }
}
