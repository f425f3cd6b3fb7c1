import fc from 'fast-check';
import { Breaker, type BreakerSettings, type ProbeOutcome } from './breaker.js';

const settings: BreakerSettings = {
  faultsInARow: 3,
  errorRate: 0.5,
  minCalls: 10,
  memoryMs: 60_000,
  firstPauseMs: 1_000,
  mostPauseMs: 8_000,
  steadyMs: 100_000,
};
const failed: ProbeOutcome = { kind: 'failure', reason: 'no text' };

describe('Breaker', () => {
  let nowMs: number;
  let breaker: Breaker;
  const clock = { monotonicMs: () => nowMs, date: () => new Date(nowMs) };

  /** The longest pauses, so that they are known. */
  function fresh(changes: Partial<BreakerSettings> = {}): Breaker {
    return new Breaker({ ...settings, ...changes }, clock, () => 1);
  }

  beforeEach(() => {
    nowMs = 1_000;
    breaker = fresh();
  });

  function faults(count: number): void {
    for (let fault = 0; fault < count; fault += 1) breaker.fault(nowMs, 'engine_timeout');
  }

  /** Opens it, and lets its probe fail `times` times. @returns the pause before the next probe */
  function pauseAfter(times: number): number {
    faults(3);
    for (let probe = 0; probe < times; probe += 1) {
      nowMs += settings.mostPauseMs;
      breaker.beginProbe();
      breaker.probeEnded(failed);
    }
    const since = nowMs;
    while (!breaker.isProbeDue) nowMs += 100;
    return nowMs - since;
  }

  it('opens after faults in a row and says why', () => {
    faults(2);
    expect(breaker.view).toEqual({ state: 'closed', since: new Date(1_000), reason: '' });
    nowMs = 5_000;
    faults(1);
    expect(breaker.view).toEqual({
      state: 'open',
      since: new Date(5_000),
      reason: '3 calls in a row failed, the last with engine_timeout',
    });
  });

  it('begins to count anew with each success', () => {
    for (let round = 0; round < 4; round += 1) {
      faults(2);
      for (let call = 0; call < 3; call += 1) breaker.success(nowMs);
    }
    expect(breaker.view.state).toBe('closed');
  });

  it('opens when half of the calls fail, once there were enough', () => {
    for (let call = 0; call < 4; call += 1) {
      breaker.success(nowMs);
      faults(1);
    }
    expect(breaker.view.state).toBe('closed');
    breaker.success(nowMs);
    faults(1);
    expect(breaker.view).toMatchObject({ state: 'open', reason: expect.stringContaining('50 %') as string });
  });

  it('forgets the calls of long ago', () => {
    for (let call = 0; call < 9; call += 1) {
      if (call % 2 === 0) faults(1);
      else breaker.success(nowMs);
    }
    nowMs += 10 * settings.memoryMs;
    faults(1);
    expect(breaker.view.state).toBe('closed');
  });

  it('doubles the pause with each probe that fails, up to a limit', () => {
    const pauses = [0, 1, 2, 3, 6].map((times) => {
      breaker = fresh();
      return pauseAfter(times);
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
  });

  it('leaves half of the pause to chance', () => {
    breaker = new Breaker(settings, clock, () => 0);
    expect(pauseAfter(0)).toBe(500);
  });

  it('is half open during a probe, and closed by its success', () => {
    pauseAfter(0);
    breaker.beginProbe();
    expect(breaker.view).toMatchObject({ state: 'half_open', since: new Date(nowMs) });
    expect(breaker.isProbeDue).toBe(false);
    nowMs += 300;
    breaker.probeEnded({ kind: 'success' });
    expect(breaker.view).toEqual({ state: 'closed', since: new Date(nowMs), reason: '' });
  });

  it('stays open since the same moment when a probe fails, and says what it showed', () => {
    nowMs = 5_000;
    pauseAfter(0);
    breaker.beginProbe();
    breaker.probeEnded(failed);
    expect(breaker.view).toEqual({ state: 'open', since: new Date(5_000), reason: 'the probe failed: no text' });
  });

  it('does not wait longer for a probe that could not be done', () => {
    pauseAfter(0);
    breaker.beginProbe();
    breaker.probeEnded({ kind: 'inconclusive' });
    const since = nowMs;
    while (!breaker.isProbeDue) nowMs += 100;
    expect(nowMs - since).toBe(1_000);
  });

  it('is closed by a call that succeeds although it is open, and not by one that began before', () => {
    faults(3);
    breaker.success(nowMs - 1);
    expect(breaker.view.state).toBe('open');
    breaker.success(nowMs);
    expect(breaker.view.state).toBe('closed');
  });

  it('does not hold calls from before it closed against the engine', () => {
    faults(3);
    nowMs += 10;
    breaker.success(nowMs);
    for (let call = 0; call < 5; call += 1) breaker.fault(nowMs - 1, 'engine_timeout');
    expect(breaker.view.state).toBe('closed');
  });

  it('goes on with longer pauses when it opens again soon, and begins anew when it was steady', () => {
    pauseAfter(2);
    breaker.beginProbe();
    breaker.probeEnded({ kind: 'success' });
    expect(pauseAfter(0)).toBe(8_000);
    breaker.beginProbe();
    breaker.probeEnded({ kind: 'success' });
    nowMs += settings.steadyMs;
    expect(pauseAfter(0)).toBe(1_000);
  });

  it('keeps its promises whatever happens in whatever order', () => {
    const anySteps = fc.array(fc.constantFrom<Step>(...steps), { maxLength: 200 });
    fc.assert(
      fc.property(anySteps, (taken) => {
        nowMs = 1_000;
        breaker = new Breaker({ ...settings, errorRate: 2 }, clock, () => 0.5);
        const model = new BreakerModel();
        for (const step of taken) {
          nowMs += step === 'time' ? settings.mostPauseMs : 1;
          const wasDue = breaker.isProbeDue;
          take(step, wasDue);
          model.take(step, nowMs, wasDue);
          expect(breaker.view.state).toBe(model.state);
          expect(breaker.view.reason === '').toBe(model.state === 'closed');
          // Never before half of the first pause, and however it went not later than the longest one.
          const openForMs = nowMs - model.pausedMs;
          expect(breaker.isProbeDue && openForMs < settings.firstPauseMs / 2).toBe(false);
          expect(model.state === 'open' && openForMs >= settings.mostPauseMs && !breaker.isProbeDue).toBe(false);
        }
      }),
    );
  });

  function take(step: Step, isDue: boolean): void {
    const act: Readonly<Record<Step, () => void>> = {
      success: () => breaker.success(nowMs),
      fault: () => breaker.fault(nowMs, 'engine_timeout'),
      time: () => undefined,
      probe: () => {
        if (isDue) breaker.beginProbe();
      },
      probed_well: () => breaker.probeEnded({ kind: 'success' }),
      probed_ill: () => breaker.probeEnded(failed),
      not_probed: () => breaker.probeEnded({ kind: 'inconclusive' }),
    };
    act[step]();
  }
});

const steps = ['success', 'fault', 'time', 'probe', 'probed_well', 'probed_ill', 'not_probed'] as const;
type Step = (typeof steps)[number];

/** What a breaker promises, without clocks and pauses; calls end in the moment in which they begin. */
class BreakerModel {
  state = 'closed';
  /** When its present pause began. */
  pausedMs = 0;
  private faultsInARow = 0;

  take(step: Step, nowMs: number, isProbeDue: boolean): void {
    const { state } = this;
    if (step === 'success') this.close();
    if (step === 'fault' && state === 'closed') {
      this.faultsInARow += 1;
      if (this.faultsInARow === settings.faultsInARow) this.open(nowMs);
    }
    if (step === 'probe' && isProbeDue) this.state = 'half_open';
    if (state !== 'half_open') return;
    if (step === 'probed_well') this.close();
    if (step === 'probed_ill' || step === 'not_probed') this.open(nowMs);
  }

  private open(nowMs: number): void {
    this.state = 'open';
    this.pausedMs = nowMs;
  }

  private close(): void {
    this.state = 'closed';
    this.faultsInARow = 0;
  }
}
