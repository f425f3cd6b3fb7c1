import type { JobQueue, QueueConsumer, QueuedJob } from '#queue';
import type { JobConsumer } from './job-consumer.js';
import type { JobPicker } from './job-picker.js';
import type { WorkerSettings } from './worker-settings.js';

/**
 * Takes work for as long as the worker runs. An entry of the queue is a ticket: it says that there is a job more to do, and
 * not which. Whoever gets one does the job whose turn it is; the name on the ticket only keeps it from being put in twice.
 *
 * There are at least as many tickets as jobs: each job brings one, and a job that is put back puts its ticket back. One too
 * many finds nothing to do and is dropped. One too few the reconciler makes good.
 */
export class WorkLoop {
  private consumer: QueueConsumer | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly queue: Pick<JobQueue, 'consume' | 'enqueue'>,
    private readonly picker: Pick<JobPicker, 'next'>,
    private readonly jobs: Pick<JobConsumer, 'handle'>,
    private readonly settings: WorkerSettings,
  ) {}

  start(): void {
    this.consumer = this.queue.consume(this.settings.maxConcurrency, (ticket, signal) => this.handle(ticket, signal));
  }

  /** Takes no more work; what runs has the time of grace to end and is handed back then. */
  async stop(): Promise<void> {
    // First, so that tickets that wait for an engine go to other workers at once.
    const closed = this.consumer?.close(this.settings.graceMs);
    this.stopping.abort();
    await closed;
  }

  private async handle(ticket: QueuedJob, signal: AbortSignal): Promise<void> {
    const picked = await this.picker.next(this.stopping.signal);
    if (!picked) return;
    const requeue = await this.jobs.handle(picked, signal);
    if (requeue) await this.queue.enqueue(ticket, requeue.afterMs);
  }
}
