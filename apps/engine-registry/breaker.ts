import { closedBreaker, type InstanceBreaker } from '#contracts';
import { backoffMs } from '#timing';
import { DecayingMean } from './decaying-mean.js';
import type { RegistryClock } from './registry-clock.js';

export interface BreakerSettings {
  /** So many faults with no success between them open the breaker. */
  readonly faultsInARow: number;
  /** So large a share of faults opens it too, once enough calls were seen: an engine that fails every other call. */
  readonly errorRate: number;
  readonly minCalls: number;
  /** Time constant with which calls are forgotten for that share. */
  readonly memoryMs: number;
  /** From the opening to the first probe; doubles with each probe that fails. Half of each pause is left to chance. */
  readonly firstPauseMs: number;
  readonly mostPauseMs: number;
  /** Opened again sooner than that after it was closed, it goes on with the longer pauses. */
  readonly steadyMs: number;
}

/**
 * A fault costs a job a repeated span, so three in a row are enough: an engine that fails one call in ten by chance has
 * them once in a thousand calls and is back after one probe. The first pause is about as long as an adapter takes to
 * restart; two minutes at most, so that a repaired engine is not idle for long, and a probe a minute is no load.
 */
export const defaultBreakerSettings: BreakerSettings = {
  faultsInARow: 3,
  errorRate: 0.5,
  minCalls: 10,
  memoryMs: 120_000,
  firstPauseMs: 5_000,
  mostPauseMs: 120_000,
  steadyMs: 300_000,
};

/** What a probe showed; `inconclusive` when it could not be done, as an engine that is full is not asked to answer. */
export type ProbeOutcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly reason: string }
  | { readonly kind: 'inconclusive' };

/**
 * Keeps calls away from one instance that fails. Closed: calls go there. Open, after too many faults: none go there.
 * Half open, after a pause: a probe is under way; its success closes the breaker and its failure opens it again. A call
 * that succeeds although the breaker is open (somebody had no better engine) closes it as well.
 *
 * What calls show counts only when they began after the last change of the breaker's mind: one that hung since before a
 * repair says nothing about what was repaired. A plain state machine over what it is told; it starts nothing by itself.
 */
export class Breaker {
  private current: InstanceBreaker;
  /** When it was opened or closed last. */
  private decidedMs = -Infinity;
  private faultsInARow = 0;
  private faultRate: DecayingMean;
  /** Pauses since it was last steady. */
  private pauses = 0;
  private openedAt: Date;
  private probeAtMs = Infinity;

  constructor(
    private readonly settings: BreakerSettings,
    private readonly clock: RegistryClock,
    private readonly random: () => number = Math.random,
  ) {
    this.openedAt = clock.date();
    this.current = closedBreaker(this.openedAt);
    this.faultRate = new DecayingMean(settings.memoryMs);
  }

  get view(): InstanceBreaker {
    return this.current;
  }

  /** Takes a call that succeeded. @param startedMs when it began, by the monotonic clock */
  success(startedMs: number): void {
    if (startedMs < this.decidedMs) return;
    if (this.current.state !== 'closed') {
      this.close();
      return;
    }
    this.faultsInARow = 0;
    this.faultRate.add(0, 1, this.clock.monotonicMs());
  }

  /** Takes a call that failed by the engine's fault. @param what names the fault for operators */
  fault(startedMs: number, what: string): void {
    if (startedMs < this.decidedMs || this.current.state !== 'closed') return;
    const { settings } = this;
    const now = this.clock.monotonicMs();
    this.faultsInARow += 1;
    this.faultRate.add(1, 1, now);
    if (this.faultsInARow >= settings.faultsInARow) {
      this.open(`${this.faultsInARow} calls in a row failed, the last with ${what}`);
      return;
    }
    const rate = this.faultRate.mean ?? 0;
    if (this.faultRate.weight(now) >= settings.minCalls && rate >= settings.errorRate) {
      this.open(`${Math.round(rate * 100)} % of the calls failed, the last with ${what}`);
    }
  }

  /** Whether the pause is over. */
  get isProbeDue(): boolean {
    return this.current.state === 'open' && this.clock.monotonicMs() >= this.probeAtMs;
  }

  /** Half open until `probeEnded`. Only when a probe is due. */
  beginProbe(): void {
    this.current = { ...this.current, state: 'half_open', since: this.clock.date() };
  }

  /** Takes what the probe showed, unless a call has closed the breaker meanwhile. */
  probeEnded(outcome: ProbeOutcome): void {
    if (this.current.state !== 'half_open') return;
    if (outcome.kind === 'success') {
      this.close();
      return;
    }
    if (outcome.kind === 'failure') this.pauses += 1;
    const reason = outcome.kind === 'failure' ? `the probe failed: ${outcome.reason}` : this.current.reason;
    this.pause(reason);
  }

  private open(reason: string): void {
    const now = this.clock.monotonicMs();
    this.pauses = now - this.decidedMs >= this.settings.steadyMs ? 1 : this.pauses + 1;
    this.decidedMs = now;
    this.openedAt = this.clock.date();
    this.pause(reason);
  }

  /** Open until the next probe; a probe that failed does not change since when. */
  private pause(reason: string): void {
    const { firstPauseMs, mostPauseMs } = this.settings;
    this.current = { state: 'open', since: this.openedAt, reason };
    this.probeAtMs = this.clock.monotonicMs() + backoffMs(this.pauses, firstPauseMs, mostPauseMs, this.random);
  }

  private close(): void {
    this.current = closedBreaker(this.clock.date());
    this.decidedMs = this.clock.monotonicMs();
    this.faultsInARow = 0;
    this.faultRate = new DecayingMean(this.settings.memoryMs);
  }
}
