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
/** Up to so many tickets are made good at a time: enough to keep every worker busy until the next round. */
const MOST_TICKETS = 1_000;
/** Any ticket leads to the job whose turn it is. */
const TICKET_PRIORITY = 5;

/**
 * Mends what a crash or an outage left between the database and the rest: tickets that are missing for
 * jobs that wait are put in, ends that nobody announced are announced, erasures are finished, event logs nobody needs and halves of
 * objects are removed.
 * Every worker does it; all of it may be done twice.
 */
export class Reconciler {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;
  private expiredAt = -Infinity;
  /** Rounds one after the other in which there was nothing to do. */
  private idleRounds = 0;

  constructor(
    private readonly rows: Pick<ReconcileRepository, 'countDue'>,
    private readonly queue: Pick<JobQueue, 'waiting' | 'enqueue'>,
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
    this.idleRounds = mended > 0 ? 0 : this.idleRounds + 1;
  }

  /**
   * Puts in as many tickets as there are jobs to be taken more than tickets. Those that workers hold while they wait for an
   * engine are put in once more, which is harmless. Workers that count at the same time put in the same ones.
   */
  private async enqueue(): Promise<number> {
    const due = await this.rows.countDue(MOST_TICKETS, this.settings.unqueuedAfterMs);
    const missing = due === 0 ? 0 : due - (await this.queue.waiting());
    const round = Math.floor(Date.now() / this.settings.reconcileEveryMs);
    for (let n = 0; n < missing && !this.stopped; n += 1) {
      await this.queue.enqueue({ jobId: `missing-${round}-${n}`, priority: TICKET_PRIORITY });
    }
    if (missing <= 0) return 0;
    this.logger.info({ due, missing }, 'put missing tickets into the queue');
    return missing;
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
