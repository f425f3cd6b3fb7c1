import { instanceOf } from '../../libs/routing/testing.js';
import { expectedWorkMs } from './expectation.js';
import type { Prospects } from './prospects.js';

const lengths = { targetMs: 30_000, minMs: 10_000, maxMs: 40_000, shortestTailMs: 1_000 };
const work = { audioMs: 300_000, lanes: 1, whole: false, lengths };
const measured = instanceOf('local', { stats: { realTimeFactor: 0.5 }, speed: 100 });

function prospects(places: number, ...able: Prospects['able']): Prospects {
  return { able, places };
}

describe('expectedWorkMs', () => {
  it.each([
    ['one place', work, 1, 150_000],
    ['several places', work, 3, 50_000],
    ['more places than spans', { ...work, audioMs: 60_000 }, 8, 15_000],
    ['the whole in one piece', { ...work, whole: true }, 8, 150_000],
    ['two channels, each in one piece', { ...work, whole: true, lanes: 2, audioMs: 600_000 }, 8, 150_000],
  ])('goes by the measured speed with %s', (_title, ahead, places, expected) => {
    expect(expectedWorkMs(ahead, prospects(places, measured))).toBe(expected);
  });

  it('goes by what the engine says of itself while nobody has measured it', () => {
    expect(expectedWorkMs(work, prospects(1, instanceOf('local', { speed: 10 })))).toBe(30_000);
  });

  it.each([
    ['no engine', work, []],
    ['an engine of which nothing is known', work, [instanceOf('local')]],
    ['a file that does not say how long it is', { ...work, audioMs: undefined }, [measured]],
  ])('is unknown with %s', (_title, ahead, able) => {
    expect(expectedWorkMs(ahead, prospects(1, ...able))).toBeUndefined();
  });
});
