import type { EventBus } from '#events';
import type { ReconcileRepository } from '#persistence';
import type { JobQueue } from '#queue';
import type { Logger } from '#telemetry';
import type { Announcer } from './announcer.js';
import type { WorkerSettings } from './worker-settings.js';

/** Rows that are looked at together. */
const PAGE = 100;
/** A long backlog is looked through over several rounds: each row costs the queue a question. */
const PAGES_PER_ROUND = 3;

/**
 * Mends what a crash or an outage left between the database and the rest: work that stands in the database and in no queue
 * is put in again, ends that nobody announced are announced, event logs nobody needs are removed. Every worker does it;
 * all of it may be done twice.
 */
export class Reconciler {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;
  private expiredAt = -Infinity;
  /** Where the last round stopped; undefined to begin at the start. */
  private after: string | undefined;

  constructor(
    private readonly rows: ReconcileRepository,
    private readonly queue: JobQueue,
    private readonly announcer: Announcer,
    private readonly events: EventBus,
    private readonly settings: WorkerSettings,
    private readonly logger: Logger,
  ) {}

  start(): void {
    // Jitter keeps workers that started together from asking together.
    const pauseMs = this.settings.reconcileEveryMs * (0.75 + 0.5 * Math.random());
    this.timer = setTimeout(() => {
      this.round = this.runRound().finally(() => {
        if (!this.stopped) this.start();
      });
    }, pauseMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** One look at everything. A step that fails is tried again in the next round, and does not keep the others from theirs. */
  private async runRound(): Promise<void> {
    for (const step of [() => this.enqueue(), () => this.announcer.announceAll(PAGE), () => this.expire()]) {
      try {
        if (!this.stopped) await step();
      } catch (error) {
        this.logger.warn({ err: error }, 'could not reconcile; trying again');
      }
    }
  }

  private async enqueue(): Promise<void> {
    for (let pages = 0; pages < PAGES_PER_ROUND && !this.stopped; pages += 1) {
      const page = await this.rows.unqueued(PAGE, this.after);
      for (const { jobId, priority } of page) {
        if (await this.queue.has(jobId)) continue;
        await this.queue.enqueue({ jobId, priority });
        this.logger.info({ jobId }, 'put a job without a queue entry back');
      }
      this.after = page.length < PAGE ? undefined : page.at(-1)?.cursor;
      if (this.after === undefined) return;
    }
  }

  private async expire(): Promise<void> {
    const now = performance.now();
    if (now - this.expiredAt < this.settings.expireEveryMs) return;
    this.expiredAt = now;
    await this.events.expire(new Date(Date.now() - this.settings.eventTtlMs));
  }
}
