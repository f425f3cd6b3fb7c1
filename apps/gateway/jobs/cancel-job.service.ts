import { Injectable } from '@nestjs/common';
import { type Job, PolyscribeError } from '#contracts';
import { EventBus } from '#events';
import { JobStatuses } from '#job-status';
import { JobRepository, ReconcileRepository } from '#persistence';
import { JobQueue } from '#queue';
import { changeJob } from './change-job.js';
import { JobQueries } from './job-queries.service.js';
import { JobHandOver, statusEvent } from './job-hand-over.service.js';
import { briefly } from '../answer-time.js';

/** Takes jobs back. */
@Injectable()
export class CancelJob {
  constructor(
    private readonly queries: JobQueries,
    private readonly jobs: JobRepository,
    private readonly statuses: JobStatuses,
    private readonly reconciling: ReconcileRepository,
    private readonly queue: JobQueue,
    private readonly events: EventBus,
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

  private async tellCancelled(job: Job): Promise<void> {
    const { id: jobId } = job;
    await this.statuses.put(job);
    await this.handOver.unlessAway(jobId, 'remove', this.queue.remove(jobId));
    await this.handOver.unlessAway(jobId, 'announce', this.announceCancelled(jobId));
  }

  /** No worker has it, so nobody else tells at once that it ended. */
  private async announceCancelled(jobId: string): Promise<void> {
    const end = await this.reconciling.unannouncedEnd(jobId);
    if (!end) return;
    const events = [statusEvent(end.job), { type: 'cancelled', data: { job_id: jobId } }] as const;
    // The key makes it safe that a worker's announcer may tell the same.
    await this.events.publish(jobId, events, { key: `end:${end.attempt}` });
    await this.reconciling.markAnnounced(jobId, end.attempt);
  }
}
