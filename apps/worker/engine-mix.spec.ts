import { unmeasured } from '#contracts';
import { route } from '#routing';
import { instanceOf, requestWith, snapshotOf } from '../../libs/routing/testing.js';
import { helpersOnly, mayMix, type WorkLeft } from './engine-mix.js';

const MINUTE_MS = 60_000;

function measured(engine: 'asr' | 'whisperx' | 'local', realTimeFactor: number, inFlight = 0) {
  const instance = instanceOf(engine, { inFlight, capabilities: { maxConcurrency: 1 } });
  return { ...instance, stats: { ...unmeasured, realTimeFactor } };
}

function helpers(instances: readonly ReturnType<typeof instanceOf>[], left?: WorkLeft, request = requestWith()) {
  const decision = route(request, snapshotOf(...instances));
  return helpersOnly(decision, request, left).candidates.map(({ instance }) => instance.id);
}

describe('mayMix', () => {
  it.each([
    ['auto', 'fast', true],
    ['auto', 'balanced', true],
    ['auto', 'precise', false],
    ['asr', 'balanced', false],
  ] as const)('of the engine %s and the profile %s is %s', (engine, profile, expected) => {
    expect(mayMix({ engine, profile })).toBe(expected);
  });
});

describe('helpersOnly', () => {
  it('keeps engines of every kind', () => {
    expect(helpers([instanceOf('asr'), instanceOf('whisperx'), instanceOf('local')])).toHaveLength(3);
  });

  it('drops engines that meet fewer wishes than one that is up, be it full', () => {
    const request = requestWith({ wordTimestamps: true, onUnsupported: 'warn' });
    const able = instanceOf('asr', { inFlight: 2, capabilities: { wordTimestamps: true } });
    expect(helpers([able, instanceOf('local')], undefined, request)).toEqual([]);
    expect(helpers([{ ...able, inFlight: 1 }, instanceOf('local')], undefined, request)).toEqual(['asr']);
  });

  it('takes a slow engine while there is much to do, and leaves it alone near the end', () => {
    const instances = [measured('asr', 0.01, 1), measured('local', 0.1)];
    expect(helpers(instances, { lengthMs: 2 * MINUTE_MS, remainingMs: 60 * MINUTE_MS })).toEqual(['local']);
    expect(helpers(instances, { lengthMs: 2 * MINUTE_MS, remainingMs: 6 * MINUTE_MS })).toEqual([]);
  });

  it('takes an engine that nobody has measured', () => {
    const instances = [measured('asr', 0.01, 1), instanceOf('local')];
    expect(helpers(instances, { lengthMs: MINUTE_MS, remainingMs: MINUTE_MS })).toEqual(['local']);
  });

  it('takes a slow engine where there is no other', () => {
    expect(helpers([measured('local', 9)], { lengthMs: MINUTE_MS, remainingMs: MINUTE_MS })).toEqual(['local']);
  });
});
