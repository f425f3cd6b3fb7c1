import type { EndedCall } from '#contracts';
import { CallStatistics } from './call-statistics.js';

const minute = 60_000;

describe('CallStatistics', () => {
  let nowMs: number;
  let statistics: CallStatistics;

  beforeEach(() => {
    nowMs = 1_000;
    statistics = new CallStatistics({ monotonicMs: () => nowMs, date: () => new Date(nowMs) });
  });

  function call(changes: Partial<EndedCall> = {}): EndedCall {
    return { instanceId: 'a', audioMs: 10_000, queueMs: 0, workMs: 1_000, startAgeMs: 1_000, ...changes };
  }

  function fault(message = 'gone'): EndedCall {
    return call({ error: { code: 'engine_unavailable', message } });
  }

  it('knows nothing at first', () => {
    expect(statistics.view()).toEqual({ calls: 0, errorRate: 0, queueMs: 0, recentErrors: 0 });
  });

  it('takes the first call for what it shows, and follows a change within minutes', () => {
    statistics.add(call());
    expect(statistics.view().realTimeFactor).toBeCloseTo(0.1);
    for (let passed = 0; passed < 15; passed += 1) {
      nowMs += minute;
      statistics.add(call({ workMs: 4_000 }));
    }
    expect(statistics.view().realTimeFactor).toBeGreaterThan(0.35);
  });

  it('no longer tells a speed that no call has confirmed for long, and begins anew with the next', () => {
    statistics.add(call({ workMs: 50_000 }));
    nowMs += 14 * minute;
    expect(statistics.view().realTimeFactor).toBeCloseTo(5);
    nowMs += 2 * minute;
    expect(statistics.view()).not.toHaveProperty('realTimeFactor');
    statistics.add(call());
    expect(statistics.view().realTimeFactor).toBeCloseTo(0.1);
  });

  it('weighs speed by the audio, so that the cost of a short call does not look like slowness', () => {
    statistics.add(call({ audioMs: 100_000, workMs: 10_000 }));
    statistics.add(call({ audioMs: 1_000, workMs: 1_000 }));
    expect(statistics.view().realTimeFactor).toBeCloseTo(11 / 101);
  });

  it('keeps the time in the queue apart', () => {
    statistics.add(call({ queueMs: 2_000 }));
    statistics.add(call({ queueMs: 4_000 }));
    expect(statistics.view()).toMatchObject({ queueMs: 3_000, calls: 2 });
  });

  it('lets the time in the queue fade while nobody calls, so that an instance is not passed over for an old queue', () => {
    for (let calls = 0; calls < 20; calls += 1) statistics.add(call({ queueMs: 30_000 }));
    nowMs += minute;
    expect(statistics.view().queueMs).toBeCloseTo(30_000);
    nowMs += 9 * minute;
    expect(statistics.view().queueMs).toBeLessThan(100);
    statistics.add(call({ queueMs: 2_000 }));
    expect(statistics.view().queueMs).toBeLessThan(2_100);
  });

  it('counts a fault in the error rate and not in the speed', () => {
    statistics.add(call());
    statistics.add(fault());
    const { realTimeFactor, errorRate, lastError } = statistics.view();
    expect(realTimeFactor).toBeCloseTo(0.1);
    expect(errorRate).toBeCloseTo(1 / 4);
    expect(lastError).toEqual({ code: 'engine_unavailable', message: 'gone', at: new Date(1_000) });
  });

  it('keeps the beginning of a long message', () => {
    statistics.add(fault('x'.repeat(4_000)));
    expect(statistics.view().lastError?.message).toHaveLength(300);
  });

  it('is not certain of a rate by a fault or two, and comes close to it by many', () => {
    const rates = [1, 2, 3, 50].map((count) => {
      statistics = new CallStatistics({ monotonicMs: () => nowMs, date: () => new Date(nowMs) });
      for (let faults = 0; faults < count; faults += 1) statistics.add(fault());
      return Math.round(statistics.view().errorRate * 100);
    });
    expect(rates).toEqual([33, 50, 60, 96]);
  });

  it('lets the error rate fall while nobody calls, and at once when the instance is found well', () => {
    for (let faults = 0; faults < 3; faults += 1) statistics.add(fault());
    nowMs += 4 * minute;
    expect(statistics.view().errorRate).toBeLessThan(0.2);
    statistics.add(fault());
    statistics.forgive();
    expect(statistics.view()).toMatchObject({ errorRate: 0, recentErrors: 4, calls: 4 });
  });

  it('counts the errors of the last five minutes', () => {
    for (let passed = 0; passed < 10; passed += 1) {
      nowMs += minute;
      statistics.add(fault());
    }
    nowMs += minute / 2;
    expect(statistics.view().recentErrors).toBe(5);
    nowMs += 60 * minute;
    expect(statistics.view()).toMatchObject({ recentErrors: 0, lastError: { code: 'engine_unavailable' } });
  });

  it('says what only one call in twenty exceeds, once it has seen some', () => {
    for (let calls = 1; calls <= 9; calls += 1) statistics.add(call({ workMs: calls * 10 }));
    expect(statistics.view().p95Ms).toBeUndefined();
    for (let calls = 10; calls <= 100; calls += 1) statistics.add(call({ workMs: calls * 10 }));
    expect(statistics.view().p95Ms).toBeCloseTo(95);
  });

  it('holds up over years', () => {
    statistics.add(call());
    nowMs += 3 * 365 * 24 * 60 * minute;
    statistics.add(call({ workMs: 2_000 }));
    expect(statistics.view()).toMatchObject({ realTimeFactor: 0.2, errorRate: 0 });
  });
});
