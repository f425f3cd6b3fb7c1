import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { alignWords } from './align.js';
import { agreementOf, networkRuns, pairCounts } from './agreement.js';
import { noisyHypothesis, type NoisyWord, seededRandom } from './testing.js';
import { vote } from './vote.js';
import { wordNetwork } from './word-network.js';
import { normalizedWords } from './words.js';

const anyHypotheses = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }), {
  minLength: 1,
  maxLength: 4,
});

/** Slots as words, `-` for none. */
function shown(...texts: string[]): string[] {
  const hypotheses = texts.map((text) => text.split(' ').filter((word) => word !== ''));
  return wordNetwork(hypotheses).map((slot) =>
    slot.map((word, n) => (word === undefined ? '-' : (hypotheses[n]?.[word] ?? '?'))).join('/'),
  );
}

function voted(hypotheses: readonly (readonly NoisyWord[])[]): string[] {
  const network = wordNetwork(hypotheses.map((words) => words.map(({ form }) => form)));
  return vote(network, hypotheses).map(({ hypothesis, word }) => hypotheses[hypothesis]?.[word]?.form ?? '');
}

function plain(text: string, confidence?: number): NoisyWord[] {
  return text.split(' ').map((form) => (confidence === undefined ? { form } : { form, confidence }));
}

describe('wordNetwork', () => {
  it('sets texts side by side, with gaps where one has no word', () => {
    expect(shown('the cat sat', 'the big cat', 'a cat sat down')).toEqual([
      'the/the/a',
      '-/big/-',
      'cat/cat/cat',
      'sat/-/sat',
      '-/-/down',
    ]);
  });

  it('begins with gaps for a text that is empty', () => {
    expect(shown('', 'a b', 'b')).toEqual(['-/a/-', '-/b/b']);
  });

  it('has every word of every text once and in order', () => {
    fc.assert(
      fc.property(anyHypotheses, (hypotheses) => {
        const network = wordNetwork(hypotheses);
        for (const [index, words] of hypotheses.entries()) {
          const positions = network.flatMap((slot) => slot[index] ?? []);
          expect(positions).toEqual(words.map((_, position) => position));
        }
        for (const slot of network) expect(slot).toHaveLength(hypotheses.length);
      }),
    );
  });
});

describe('vote', () => {
  it('gives the text back on which all agree', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 }), (words) => {
        const same = words.map((form) => ({ form }));
        expect(voted([same, same, same])).toEqual(words);
      }),
    );
  });

  it('follows the majority, however sure the others are', () => {
    expect(voted([plain('a x c', 1), plain('a b c', 0.1), plain('a b c', 0.1)])).toEqual(['a', 'b', 'c']);
  });

  it('leaves out what most did not hear and keeps what most did', () => {
    expect(voted([plain('a b c'), plain('a c'), plain('a c')])).toEqual(['a', 'c']);
    expect(voted([plain('a c'), plain('a b c'), plain('a b c')])).toEqual(['a', 'b', 'c']);
  });

  it('follows confidence between two', () => {
    expect(voted([plain('a x', 0.5), plain('a b', 0.9)])).toEqual(['a', 'b']);
  });

  it('takes the earlier of equals', () => {
    expect(voted([plain('x'), plain('y'), plain('z')])).toEqual(['x']);
    expect(voted([plain('x'), plain('y')])).toEqual(['x']);
  });

  it('takes a word from the hypothesis that trusts it most', () => {
    const hypotheses = [plain('a', 0.5), plain('a', 0.9), plain('a', 0.7)];
    const network = wordNetwork(hypotheses.map((words) => words.map(({ form }) => form)));
    expect(vote(network, hypotheses)).toEqual([{ hypothesis: 1, word: 0, votes: 3, slot: 0 }]);
  });

  it('makes fewer errors than the best of three texts with known errors, for every seed', () => {
    const said = normalizedWords(readFileSync('samples/long-read.txt', 'utf8'));
    for (let seed = 1; seed <= 10; seed++) {
      for (const withConfidence of [true, false]) {
        const heard = [0.06, 0.09, 0.12].map((share, engine) =>
          noisyHypothesis(
            said,
            { substitutions: share, deletions: share / 2, insertions: share / 3 },
            seededRandom(seed * 10 + engine),
            withConfidence,
          ),
        );
        const best = Math.min(...heard.map((words) => errors(said, words.map(formOf))));
        expect(errors(said, voted(heard))).toBeLessThan(best);
      }
    }
  });
});

describe('agreement', () => {
  it('counts words in common over words of either', () => {
    const hypotheses = [['a', 'b', 'c'], ['a', 'x', 'c', 'd'], []];
    const pairs = pairCounts(wordNetwork(hypotheses), hypotheses);
    expect(pairs).toEqual([
      { first: 0, second: 1, same: 2, slots: 4 },
      { first: 0, second: 2, same: 0, slots: 3 },
      { first: 1, second: 2, same: 0, slots: 4 },
    ]);
    expect(pairs.map(agreementOf)).toEqual([0.5, 0, 0]);
    expect(agreementOf({ same: 0, slots: 0 })).toBe(1);
  });

  it('parts a network where agreement begins and ends', () => {
    const hypotheses = [
      ['a', 'b', 'c'],
      ['a', 'x', 'c'],
    ];
    const runs = networkRuns(wordNetwork(hypotheses), hypotheses);
    expect(runs.map(({ agreed, slots }) => [agreed, slots.length])).toEqual([
      [true, 1],
      [false, 1],
      [true, 1],
    ]);
  });
});

function formOf({ form }: NoisyWord): string {
  return form;
}

function errors(said: readonly string[], heard: readonly string[]): number {
  return alignWords(said, heard).filter(({ first, second }) => {
    return first === undefined || second === undefined || said[first] !== heard[second];
  }).length;
}
