import Sequencer from '@jest/test-sequencer';

/**
 * The order of a test run. Files that run a whole mesh take by far the longest: they are spread over the first part of the
 * run, so that they neither all compete at once nor are left over for its end, when most processors would have nothing
 * else to do. The quick tests without servers come last and fill the gaps.
 */
export default class SpreadSequencer extends Sequencer {
  /** Within each kind the longest comes first, as far as earlier runs have told. */
  sort(tests) {
    const sorted = super.sort(tests);
    const whole = sorted.filter(({ path }) => kindOf(path) === 'e2e');
    const servers = sorted.filter(({ path }) => kindOf(path) === 'int');
    const units = sorted.filter(({ path }) => kindOf(path) === 'unit');
    return [...spread(whole, servers), ...units];
  }
}

/** Puts each of `few` before an equal share of the first two thirds of `many`. */
function spread(few, many) {
  const share = Math.floor((many.length * 2) / 3 / Math.max(few.length, 1));
  const mixed = few.flatMap((test, n) => [test, ...many.slice(n * share, (n + 1) * share)]);
  return [...mixed, ...many.slice(few.length * share)];
}

function kindOf(path) {
  return /\.(e2e|int)\.spec\./.exec(path)?.[1] ?? 'unit';
}
