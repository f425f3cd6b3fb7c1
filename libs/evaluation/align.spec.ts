import fc from 'fast-check';
import { type AlignedPair, alignToSlots, alignWords } from './align.js';

/** As the product weighs: errors first, then words in common. */
const ERROR_COST = 2 ** 20;

const anyWords = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 9 });

describe('alignWords', () => {
  it('finds the fewest errors, and of those the most words in common', () => {
    fc.assert(
      fc.property(anyWords, anyWords, (one, other) => {
        const pairs = alignWords(one, other);
        expect(costOf(pairs, one, other)).toBe(leastCost(one, other));
        expectWhole(pairs, one.length, other.length);
      }),
    );
  });

  it('gives the same cost when tables are too large to keep', () => {
    const { one, other } = twoTexts(1_500);
    const whole = leastCost(one, other);
    const pairs = alignWords(one, other);
    expect(costOf(pairs, one, other)).toBe(whole);
    expectWhole(pairs, one.length, other.length);
  });

  it('prefers two words in common to three substitutions', () => {
    expect(alignWords(['a', 'b', 'c'], ['b', 'c', 'd'])).toEqual([
      { first: 0, second: undefined },
      { first: 1, second: 0 },
      { first: 2, second: 1 },
      { first: undefined, second: 2 },
    ]);
  });
});

describe('alignToSlots', () => {
  it('puts a word where it differs from the fewest', () => {
    const slots = { length: 2, places: 2, words: Int32Array.from([1, -1, 1, 1]) };
    expect(alignToSlots(slots, Int32Array.from([1]))).toEqual([
      { first: 0, second: undefined },
      { first: 1, second: 0 },
    ]);
  });
});

function expectWhole(pairs: readonly AlignedPair[], firstLength: number, secondLength: number): void {
  const firsts = pairs.flatMap(({ first }) => (first === undefined ? [] : [first]));
  const seconds = pairs.flatMap(({ second }) => (second === undefined ? [] : [second]));
  expect(firsts).toEqual(Array.from({ length: firstLength }, (_, n) => n));
  expect(seconds).toEqual(Array.from({ length: secondLength }, (_, n) => n));
  expect(pairs.filter(({ first, second }) => first === undefined && second === undefined)).toEqual([]);
}

function costOf(pairs: readonly AlignedPair[], one: readonly string[], other: readonly string[]): number {
  return pairs.reduce((sum, { first, second }) => {
    if (first === undefined || second === undefined) return sum + ERROR_COST;
    return one[first] === other[second] ? sum : sum + ERROR_COST + 1;
  }, 0);
}

/** The plain table, said a second time. */
function leastCost(one: readonly string[], other: readonly string[]): number {
  const table = [Array.from({ length: other.length + 1 }, (_, j) => j * ERROR_COST)];
  for (const [i, word] of one.entries()) {
    const above = table[i] ?? [];
    const row = [(i + 1) * ERROR_COST];
    for (const [j, otherWord] of other.entries()) {
      const across = (above[j] ?? 0) + (word === otherWord ? 0 : ERROR_COST + 1);
      row.push(Math.min(across, (above[j + 1] ?? 0) + ERROR_COST, (row[j] ?? 0) + ERROR_COST));
    }
    table.push(row);
  }
  return table.at(-1)?.at(-1) ?? 0;
}

/** Two texts of about as many words, of which every seventh differs in some way. */
function twoTexts(words: number): { one: string[]; other: string[] } {
  const one = Array.from({ length: words }, (_, n) => `w${(n * 7919) % 211}`);
  const other = one.flatMap((word, n) => {
    if (n % 21 === 3) return [];
    if (n % 21 === 10) return [word, `x${n}`];
    return n % 7 === 0 ? [`y${n}`] : [word];
  });
  return { one, other };
}
