import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Job, JobEventBody } from '#contracts';
import { EventBus, type EventDraft } from '#events';
import { Announcer, JobStatuses } from '#job-status';
import { JobQueue, type QueuedJob } from '#queue';
import type { Logger } from '#telemetry';
import { briefly } from '../answer-time.js';
import { LOGGER } from '../tokens.js';

/**
 * Tells status cache, queue and event bus what stands in the database already. The rows are the truth: a failure here is logged and left
 * to the reconciler, and no reason to take back what was promised.
 */
@Injectable()
export class JobHandOver implements OnApplicationShutdown {
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly statuses: JobStatuses,
    private readonly queue: JobQueue,
    private readonly events: EventBus,
    private readonly announcer: Announcer,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The news of a job that is about to wait, to be written with its row; undefined where it must be told afterwards. */
  async news(jobId: string): Promise<EventDraft | undefined> {
    try {
      return await this.events.draft(jobId, [statusEvent({ id: jobId, ...waiting })]);
    } catch (error) {
      this.logger.warn({ err: error, jobId }, 'the news of a job could not be written with it');
      return undefined;
    }
  }

  /**
   * Gives a new job to the workers, without being waited for: its rows are the job, whatever becomes of the rest.
   *
   * @param isInLog whether its news was written with the row
   */
  begin(job: Job, isInLog: boolean): void {
    this.underWay.set(
      job.id,
      this.hand(job, isInLog).finally(() => this.underWay.delete(job.id)),
    );
  }

  /** What was begun is brought to its end, or left to the reconciler. */
  async onApplicationShutdown(): Promise<void> {
    await briefly(Promise.all(this.underWay.values()).then(() => undefined));
  }

  /** Waits for what was begun for the job: what is done to it meanwhile would be undone by it. */
  async settled(jobId: string): Promise<void> {
    await this.underWay.get(jobId);
  }

  /** Gives a queued job to the workers. The news goes first, so that it comes before the worker's own. */
  async toWorkers(job: Job): Promise<void> {
    await this.hand(job, false);
  }

  private async hand(job: Job, isInLog: boolean): Promise<void> {
    await this.unlessAway(job.id, 'cache', this.statuses.put(job));
    if (!isInLog) await this.unlessAway(job.id, 'publish', this.events.publish(job.id, [statusEvent(job)]));
    // Jobs of remote workers are in no queue: our workers look for them.
    if (job.isRemote) return;
    await this.unlessAway(job.id, 'enqueue', this.queue.enqueue(ticketFor(job)));
  }

  /** Tells the end of a job that had its transcript from the beginning. */
  async toReaders(job: Job): Promise<void> {
    // The end is told once the file is written: without any event until then, the log would pass for one that has expired.
    if (job.options.resultFile !== undefined) {
      await this.unlessAway(job.id, 'publish', this.events.publish(job.id, [statusEvent(job)]));
    }
    await this.unlessAway(job.id, 'announce', this.announcer.announce(job.id));
  }

  /** Waits for a step that is made good later if it fails. */
  async unlessAway(jobId: string, step: string, done: Promise<unknown>): Promise<void> {
    try {
      await done;
    } catch (error) {
      this.logger.warn({ err: error, jobId, step }, 'left to the reconciler');
    }
  }
}

/**
 * The queue's ticket for a job that waits. One that runs again needs another: the first, which led to some job or other, may
 * still wait.
 */
function ticketFor({ id, revision, options }: Job): QueuedJob {
  return { jobId: revision === 0 ? id : `${id}-${revision}`, priority: options.priority };
}

/** Where a job stands whose row was just written. */
const waiting = { status: 'queued', progress: 0, stage: 'queued', message: '' } as const;

/** The event that tells where a job stands. */
function statusEvent(job: Pick<Job, 'id' | 'status' | 'progress' | 'stage' | 'message'>): JobEventBody {
  return {
    type: 'status',
    data: {
      job_id: job.id,
      status: job.status,
      progress: job.progress,
      stage: job.stage,
      message: job.message,
    },
  };
}
