import { type BreakerState, type EndedCall, errorTable, type InstanceBreaker, type InstanceStats } from '#contracts';
import { Breaker, type BreakerSettings, type ProbeOutcome } from './breaker.js';
import { CallStatistics } from './call-statistics.js';
import type { RegistryClock } from './registry-clock.js';

/** What calls of one instance have shown, and whether it is called. */
export class InstanceHealth {
  private readonly statistics: CallStatistics;
  private readonly guard: Breaker;

  constructor(
    settings: BreakerSettings,
    private readonly clock: RegistryClock,
  ) {
    this.statistics = new CallStatistics(clock);
    this.guard = new Breaker(settings, clock);
  }

  /** Takes a call that has ended; what is not the engine's fault counts neither way. */
  add(call: EndedCall): void {
    const { error, startAgeMs } = call;
    if (error && !errorTable[error.code].engineFault) return;
    const before = this.guard.view.state;
    const startedMs = this.clock.monotonicMs() - startAgeMs;
    this.statistics.add(call);
    if (error) this.guard.fault(startedMs, error.code);
    else this.guard.success(startedMs);
    this.forgiveOnceClosed(before);
  }

  get stats(): InstanceStats {
    return this.statistics.view();
  }

  get breaker(): InstanceBreaker {
    return this.guard.view;
  }

  get isProbeDue(): boolean {
    return this.guard.isProbeDue;
  }

  beginProbe(): void {
    this.guard.beginProbe();
  }

  probeEnded(outcome: ProbeOutcome): void {
    const before = this.guard.view.state;
    this.guard.probeEnded(outcome);
    this.forgiveOnceClosed(before);
  }

  private forgiveOnceClosed(before: BreakerState): void {
    if (before !== 'closed' && this.guard.view.state === 'closed') this.statistics.forgive();
  }
}
