import type { JobQueue, QueueConsumer, QueuedJob } from '#queue';
import type { Logger } from '#telemetry';
import type { MediaSweeper, Swept } from './media-sweeper.js';
import type { WorkerSettings } from './worker-settings.js';

/** The one piece of work in the queue of maintenance. */
const sweep: QueuedJob = { jobId: 'media-sweep', priority: 0 };

/**
 * Lets one worker of the mesh sweep every so often, by a queue of its own: the entry waits until its time, and the worker
 * that does it puts the next one in. Every worker sees to it that there is an entry, since Redis may lose it.
 */
export class Maintenance {
  private consumer: QueueConsumer | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param queue its own; closed with it */
  constructor(
    private readonly queue: JobQueue,
    private readonly sweeper: Pick<MediaSweeper, 'sweep'>,
    private readonly settings: Pick<WorkerSettings, 'sweepEveryMs'>,
    private readonly logger: Logger,
    private readonly onSwept: (swept: Swept) => void,
  ) {}

  start(): void {
    this.consumer = this.queue.consume(1, async (_job, signal) => {
      this.onSwept(await this.sweeper.sweep(signal));
      await this.queue.enqueue(sweep, this.settings.sweepEveryMs);
    });
    this.timer = setInterval(() => void this.seeToEntry(), this.settings.sweepEveryMs);
    void this.seeToEntry();
  }

  /** Breaks off a sweep that runs; another worker goes on with it. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.consumer?.close(0);
    await this.queue.close();
  }

  private async seeToEntry(): Promise<void> {
    try {
      await this.queue.enqueue(sweep);
    } catch (error) {
      this.logger.debug({ err: error }, 'could not schedule the sweep; trying again');
    }
  }
}
