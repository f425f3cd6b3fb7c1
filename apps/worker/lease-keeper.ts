import type { Lease } from '#persistence';
import { Interruption } from './interruption.js';

export interface LeaseRenewal {
  renew(lease: Lease, leaseMs: number): Promise<'held' | 'cancel_requested' | 'lost'>;
}

export interface LeaseTimes {
  readonly leaseMs: number;
  readonly renewEveryMs: number;
}

/**
 * Keeps one job's lease while it runs, and breaks the work off when the client cancels or the lease can no longer be
 * trusted: when the database was away for as long as the lease lasts, somebody else may have the job.
 */
export class LeaseKeeper {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> | undefined;
  private heldUntil: number;

  constructor(
    private readonly leases: LeaseRenewal,
    readonly lease: Lease,
    private readonly times: LeaseTimes,
  ) {
    this.heldUntil = performance.now() + times.leaseMs;
    this.timer = setInterval(() => this.tick(), times.renewEveryMs);
  }

  /** Aborted with an Interruption when the work must end. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Breaks the work off; the first reason stays. */
  interrupt(interruption: Interruption): void {
    if (!this.controller.signal.aborted) this.controller.abort(interruption);
  }

  /**
   * Called before each step that others see. A process that was frozen for long finds here that its time is over, before
   * its timers do.
   *
   * @throws Interruption `lost`
   */
  assertHeld(): void {
    if (performance.now() < this.heldUntil) return;
    const lost = new Interruption('lost');
    this.interrupt(lost);
    throw lost;
  }

  /** Stops renewing and lets nothing more be told; what is under way is waited for. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    await this.renewing;
    this.heldUntil = -Infinity;
  }

  private tick(): void {
    if (performance.now() >= this.heldUntil) this.interrupt(new Interruption('lost'));
    this.renewing ??= this.renew().finally(() => (this.renewing = undefined));
  }

  private async renew(): Promise<void> {
    const asked = performance.now();
    try {
      const answer = await this.leases.renew(this.lease, this.times.leaseMs);
      if (answer === 'lost') this.interrupt(new Interruption('lost'));
      else this.heldUntil = asked + this.times.leaseMs;
      if (answer === 'cancel_requested') this.interrupt(new Interruption('cancel'));
    } catch {
      // The database is away: the next tick asks again, and `heldUntil` ends the work when that lasts too long.
    }
  }
}
