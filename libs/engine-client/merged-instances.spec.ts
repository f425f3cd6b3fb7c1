import { closedBreaker, type EngineInstance, unmeasured } from '#contracts';
import { ScriptedEngine } from '#engine-testkit';
import { MergedInstances } from './merged-instances.js';

const graceMs = 1_000;
const description = new ScriptedEngine().describe();

function instance(id: string, seenAtMs = 0, inFlight = 0): EngineInstance {
  const lastSeenAt = new Date(seenAtMs);
  const told = { id, address: 'here:1', description, inFlight, speed: 0 };
  return { ...told, registeredAt: lastSeenAt, lastSeenAt, stats: unmeasured, breaker: closedBreaker(lastSeenAt) };
}

describe('MergedInstances', () => {
  let merged: MergedInstances;
  const a = 'a:1';
  const b = 'b:1';
  const ids = (): string[] => merged.all().map(({ id }) => id);

  beforeEach(() => {
    merged = new MergedInstances(graceMs);
  });

  it('lists what any connected registry lists, each instance once and in order of id', () => {
    merged.heard(a, [instance('y'), instance('x')], 0);
    merged.heard(b, [instance('x'), instance('w')], 0);
    expect(ids()).toEqual(['w', 'x', 'y']);
    merged.heard(a, [instance('y')], 1);
    expect(ids()).toEqual(['w', 'x', 'y']);
    merged.heard(b, [], 1);
    expect(ids()).toEqual(['y']);
  });

  it.each([
    [a, b],
    [b, a],
  ])('believes the registry that heard from an instance last, whoever tells first (%s, %s)', (first, second) => {
    merged.heard(first, [instance('x', first === a ? 20 : 10, first === a ? 2 : 1)], 0);
    merged.heard(second, [instance('x', second === a ? 20 : 10, second === a ? 2 : 1)], 0);
    expect(merged.all()).toMatchObject([{ id: 'x', inFlight: 2 }]);
  });

  it('believes the registry that was told of the most calls about the figures', () => {
    const since = instance('x', 20);
    merged.heard(a, [{ ...since, stats: { ...unmeasured, calls: 1, errorRate: 1 } }], 0);
    merged.heard(b, [{ ...instance('x', 10), stats: { ...unmeasured, calls: 50, errorRate: 0.1 } }], 0);
    expect(merged.all()).toMatchObject([{ lastSeenAt: new Date(20), stats: { calls: 50, errorRate: 0.1 } }]);
  });

  it.each([
    [a, b],
    [b, a],
  ])('takes a breaker for open that one registry holds open (%s)', (opener, other) => {
    const breaker = { state: 'open', since: new Date(5), reason: 'it failed' } as const;
    merged.heard(opener, [{ ...instance('x', 10), breaker }], 0);
    merged.heard(other, [instance('x', 20)], 0);
    expect(merged.all()).toMatchObject([{ lastSeenAt: new Date(20), breaker }]);
  });

  it('drops what a lost registry alone knew, after the grace and no sooner', () => {
    merged.heard(a, [instance('x')], 0);
    merged.heard(b, [instance('x'), instance('y')], 0);
    merged.lost(b, 100);
    merged.expire(1_099);
    expect(ids()).toEqual(['x', 'y']);
    expect(merged.expiresAtMs).toBe(1_100);
    merged.expire(1_100);
    expect(ids()).toEqual(['x']);
    expect(merged.expiresAtMs).toBeUndefined();
  });

  it('keeps everything while no registry is connected, and for the grace after one is back', () => {
    merged.heard(a, [instance('x')], 0);
    merged.heard(b, [instance('y')], 0);
    merged.lost(a, 10);
    merged.lost(b, 20);
    expect([merged.connected, merged.expiresAtMs]).toEqual([false, undefined]);
    merged.expire(1_000_000);
    expect(ids()).toEqual(['x', 'y']);
    merged.heard(a, [], 2_000_000);
    expect([merged.connected, merged.expiresAtMs]).toEqual([true, 2_001_000]);
    merged.heard(a, [instance('x')], 2_000_500);
    merged.expire(2_001_000);
    expect(ids()).toEqual(['x']);
  });

  it('drops at once what a registry takes off its list, also within the grace of another', () => {
    merged.heard(a, [instance('x')], 0);
    merged.heard(b, [instance('x')], 0);
    merged.lost(b, 10);
    merged.heard(a, [], 20);
    expect(ids()).toEqual([]);
  });

  it('does not bring back what left while a registry was away', () => {
    merged.heard(a, [instance('x')], 0);
    merged.heard(b, [instance('x')], 0);
    merged.lost(a, 10);
    merged.heard(b, [], 20);
    merged.heard(a, [], 30);
    expect(ids()).toEqual([]);
  });

  it('takes the loss of a registry that is not connected for nothing', () => {
    merged.heard(a, [instance('x')], 0);
    merged.lost(b, 10);
    expect([ids(), merged.expiresAtMs]).toEqual([['x'], undefined]);
  });
});
