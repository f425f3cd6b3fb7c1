import { jest } from '@jest/globals';
import { createLogger } from '#telemetry';
import { Reconciler } from './reconciler.js';
import { quickSettings } from './testing/fakes.js';

const settings = quickSettings({ reconcileEveryMs: 100, reconcileIdleMs: 1_600, unqueuedAfterMs: 7 });

/** A reconciler whose rounds find as many jobs to be taken as they are told. */
class Rounds {
  /** What the next rounds find; nothing once it is used up. */
  found: number[] = [];
  readonly waits: number[] = [];
  enqueued = 0;
  /** Tickets that wait already. */
  tickets = 0;
  /** Whether the object store is away. */
  storeIsAway = false;
  cleared = 0;
  readonly reconciler = new Reconciler(
    {
      countDue: (_most, waitedMs) => {
        this.waits.push(waitedMs);
        return Promise.resolve(this.found.shift() ?? 0);
      },
    },
    {
      waiting: () => Promise.resolve(this.tickets),
      enqueue: () => {
        this.enqueued += 1;
        return Promise.resolve();
      },
    },
    { announceAll: () => Promise.resolve(0) },
    { finishDue: () => Promise.resolve(0) },
    { expire: () => Promise.resolve(0) },
    {
      clearLeftovers: () => {
        if (this.storeIsAway) return Promise.reject(new Error('away'));
        this.cleared += 1;
        return Promise.resolve();
      },
    },
    settings,
    createLogger('test', 'silent'),
  );

  /** Rounds that begin within that time. */
  async within(ms: number): Promise<number> {
    const before = this.waits.length;
    await jest.advanceTimersByTimeAsync(ms);
    return this.waits.length - before;
  }
}

describe('Reconciler', () => {
  let rounds: Rounds;
  beforeEach(() => {
    jest.useFakeTimers();
    rounds = new Rounds();
    rounds.reconciler.start();
  });
  afterEach(async () => {
    await rounds.reconciler.stop();
    jest.useRealTimers();
  });

  it('looks ever less often while there is nothing to mend, and often again once there is', async () => {
    expect(await rounds.within(1_000)).toBeLessThanOrEqual(4);
    await rounds.within(5_000);
    expect(await rounds.within(16_000)).toBeLessThanOrEqual(14);
    rounds.found = Array.from({ length: 100 }, () => 1);
    await rounds.within(2_000);
    expect(await rounds.within(1_000)).toBeGreaterThanOrEqual(7);
    expect(rounds.enqueued).toBeGreaterThanOrEqual(8);
  });

  it('puts in as many tickets as there are too few, and none where there are enough', async () => {
    rounds.tickets = 3;
    rounds.found = [5];
    await rounds.within(200);
    expect(rounds.enqueued).toBe(2);
    rounds.found = [3, 2];
    await rounds.within(400);
    expect(rounds.enqueued).toBe(2);
  });

  it('clears up as soon as the object store is back, and then not again for its pause', async () => {
    rounds.storeIsAway = true;
    await rounds.within(1_000);
    rounds.storeIsAway = false;
    await rounds.within(3_000);
    expect(rounds.cleared).toBe(1);
  });

  it('leaves jobs alone that have been due for a moment only', async () => {
    await rounds.within(200);
    expect(rounds.waits).toContain(settings.unqueuedAfterMs);
  });
});
