import type { JobQueue, QueueConsumer, QueuedJob } from '#queue';
import type { JobConsumer } from './job-consumer.js';
import type { WorkerSettings } from './worker-settings.js';

/** Takes work from the queue for as long as the worker runs. */
export class WorkLoop {
  private consumer: QueueConsumer | undefined;

  constructor(
    private readonly queue: JobQueue,
    private readonly jobs: JobConsumer,
    private readonly settings: WorkerSettings,
  ) {}

  start(): void {
    this.consumer = this.queue.consume(this.settings.maxConcurrency, (job, signal) => this.handle(job, signal));
  }

  /** Takes no more work; what runs has the time of grace to end and is handed back then. */
  async stop(): Promise<void> {
    await this.consumer?.close(this.settings.graceMs);
  }

  private async handle(job: QueuedJob, signal: AbortSignal): Promise<void> {
    const requeue = await this.jobs.handle(job, signal);
    if (requeue) await this.queue.enqueue(job, requeue.afterMs);
  }
}
