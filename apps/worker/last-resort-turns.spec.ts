import { instanceOf } from '../../libs/routing/testing.js';
import { LastResortTurns } from './last-resort-turns.js';

describe('LastResortTurns', () => {
  const open = instanceOf('asr', { breaker: { state: 'open' } });
  const closed = instanceOf('asr');
  let nowMs: number;
  let turns: LastResortTurns;

  beforeEach(() => {
    nowMs = 0;
    turns = new LastResortTurns({ firstMs: 1_000, maxMs: 60_000 }, () => nowMs);
  });

  it('lets one call at a time through', () => {
    expect(turns.mayCall(open)).toBe(true);
    const end = turns.begin(open);
    nowMs = 3_600_000;
    expect(turns.mayCall(open)).toBe(false);
    end();
    expect(turns.mayCall(open)).toBe(false);
    nowMs += 1_000;
    expect(turns.mayCall(open)).toBe(true);
  });

  it('keeps a turn for who is about to call, and gives it to others where it did not', () => {
    turns.reserve(open);
    expect(turns.mayCall(open)).toBe(false);
    nowMs = 1_000;
    expect(turns.mayCall(open)).toBe(true);
  });

  it('makes few calls to an instance that stays down', () => {
    let calls = 0;
    for (nowMs = 0; nowMs < 90_000; nowMs += 10) {
      if (!turns.mayCall(open)) continue;
      calls += 1;
      turns.begin(open)();
    }
    expect(calls).toBeGreaterThan(4);
    expect(calls).toBeLessThan(10);
  });

  it('holds nobody from an instance whose breaker is closed, and begins anew when it opens again', () => {
    for (let calls = 0; calls < 5; calls += 1) turns.begin(open)();
    turns.begin(closed);
    expect(turns.mayCall(closed)).toBe(true);
    turns.keepOnly({ revision: 1, instances: [closed] });
    expect(turns.mayCall(open)).toBe(true);
    turns.begin(open)();
    nowMs += 1_000;
    expect(turns.mayCall(open)).toBe(true);
  });

  it('forgets an instance that is gone, also while a call is under way', () => {
    const end = turns.begin(open);
    turns.keepOnly({ revision: 1, instances: [] });
    end();
    expect(turns.mayCall(open)).toBe(true);
  });
});
