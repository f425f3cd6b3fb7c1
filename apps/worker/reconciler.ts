import type { TranscriptErasure } from '#erasure';
import type { EventBus } from '#events';
import type { Announcer } from '#job-status';
import type { ObjectStore } from '#objects';
import type { ReconcileRepository } from '#persistence';
import type { JobQueue } from '#queue';
import type { Logger } from '#telemetry';
import type { WorkerSettings } from './worker-settings.js';

/** Rows that are looked at together. */
const PAGE = 100;
/** A long backlog is looked through over several rounds: each row costs the queue a question. */
const PAGES_PER_ROUND = 3;

/**
 * Mends what a crash or an outage left between the database and the rest: work that stands in the database and in no queue
 * is put in again, ends that nobody announced are announced, erasures are finished, event logs nobody needs and halves of
 * objects are removed.
 * Every worker does it; all of it may be done twice.
 */
export class Reconciler {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;
  private expiredAt = -Infinity;
  /** Where the last round stopped; undefined to begin at the start. */
  private after: string | undefined;
  /** Rounds one after the other in which there was nothing to do. */
  private idleRounds = 0;

  constructor(
    private readonly rows: Pick<ReconcileRepository, 'unqueued'>,
    private readonly queue: Pick<JobQueue, 'has' | 'enqueue'>,
    private readonly announcer: Pick<Announcer, 'announceAll'>,
    private readonly erasure: Pick<TranscriptErasure, 'finishDue'>,
    private readonly events: Pick<EventBus, 'expire'>,
    private readonly objects: Pick<ObjectStore, 'clearLeftovers'>,
    private readonly settings: WorkerSettings,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.round = this.runRound().finally(() => {
        if (!this.stopped) this.start();
      });
    }, this.pauseMs());
  }

  /** Looks again soon while there is something to mend. Jitter keeps workers that started together from asking together. */
  private pauseMs(): number {
    const { reconcileEveryMs, reconcileIdleMs } = this.settings;
    const whole = Math.min(Math.max(reconcileEveryMs, reconcileIdleMs), reconcileEveryMs * 2 ** this.idleRounds);
    return whole * (0.75 + 0.5 * Math.random());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** One look at everything. A step that fails is tried again in the next round, and does not keep the others from theirs. */
  private async runRound(): Promise<void> {
    let mended = 0;
    for (const step of [
      () => this.enqueue(),
      () => this.announcer.announceAll(PAGE),
      () => this.erasure.finishDue(PAGE),
      () => this.expire(),
    ]) {
      try {
        if (!this.stopped) mended += await step();
      } catch (error) {
        mended += 1;
        this.logger.warn({ err: error }, 'could not reconcile; trying again');
      }
    }
    this.idleRounds = mended > 0 || this.after !== undefined ? 0 : this.idleRounds + 1;
  }

  private async enqueue(): Promise<number> {
    let mended = 0;
    for (let pages = 0; pages < PAGES_PER_ROUND && !this.stopped; pages += 1) {
      const page = await this.rows.unqueued(PAGE, this.settings.unqueuedAfterMs, this.after);
      for (const { jobId, priority } of page) {
        if (await this.queue.has(jobId)) continue;
        await this.queue.enqueue({ jobId, priority });
        mended += 1;
        this.logger.info({ jobId }, 'put a job without a queue entry back');
      }
      this.after = page.length < PAGE ? undefined : page.at(-1)?.cursor;
      if (this.after === undefined) break;
    }
    return mended;
  }

  private async expire(): Promise<number> {
    const now = performance.now();
    if (now - this.expiredAt < this.settings.expireEveryMs) return 0;
    await this.events.expire(new Date(Date.now() - this.settings.eventTtlMs));
    await this.objects.clearLeftovers();
    // Only now: what failed is tried again in the next round.
    this.expiredAt = now;
    return 0;
  }
}
