import { Injectable } from '@nestjs/common';
import { type Job, PolyscribeError } from '#contracts';
import { Announcer } from '#job-status';
import { JobRepository } from '#persistence';
import { JobQueue } from '#queue';
import { changeJob } from './change-job.js';
import { JobQueries } from './job-queries.service.js';
import { JobHandOver } from './job-hand-over.service.js';
import { briefly } from '../answer-time.js';

/** Takes jobs back. */
@Injectable()
export class CancelJob {
  constructor(
    private readonly queries: JobQueries,
    private readonly jobs: JobRepository,
    private readonly queue: JobQueue,
    private readonly announcer: Announcer,
    private readonly handOver: JobHandOver,
  ) {}

  /**
   * Cancels a queued job at once; asks the worker of a running one, which stops within two seconds.
   *
   * @throws PolyscribeError `job_not_found`, `job_state_conflict` when it has ended
   */
  async cancel(jobId: string): Promise<Job> {
    const { job, outcome } = await changeJob(this.queries, jobId, () => this.jobs.requestCancel(jobId));
    if (outcome === 'ended') {
      throw new PolyscribeError('job_state_conflict', `The job is ${job.status} already; nothing is left to cancel.`, {
        facts: { job_status: job.status },
      });
    }
    if (outcome === 'cancelled') await briefly(this.tellCancelled(job));
    return job;
  }

  private async tellCancelled({ id: jobId }: Job): Promise<void> {
    await this.handOver.settled(jobId);
    await this.handOver.unlessAway(jobId, 'remove', this.queue.remove(jobId));
    // No worker has it, so nobody else tells at once that it ended.
    await this.handOver.unlessAway(jobId, 'announce', this.announcer.announce(jobId));
  }
}
