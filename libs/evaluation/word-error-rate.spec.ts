import fc from 'fast-check';
import { normalizedWords, wordErrorRate } from './word-error-rate.js';

describe('normalizedWords', () => {
  it('drops case and punctuation and keeps an apostrophe within a word', () => {
    expect(normalizedWords("Don\u2019t stop, Anna: 'now' - or never!")).toEqual([
      "don't",
      'stop',
      'anna',
      'now',
      'or',
      'never',
    ]);
  });

  it('parts words at a hyphen and keeps letters of every script', () => {
    expect(normalizedWords('well-known Größe, 你好')).toEqual(['well', 'known', 'größe', '你好']);
  });

  it('gives nothing for punctuation alone', () => {
    expect(normalizedWords(" ... ' - ")).toEqual([]);
  });
});

describe('wordErrorRate', () => {
  it.each([
    ['the cat sat', 'The cat sat.', { wer: 0, substitutions: 0, insertions: 0, deletions: 0, referenceWords: 3 }],
    ['a b c d', 'a x c d', { wer: 0.25, substitutions: 1, insertions: 0, deletions: 0, referenceWords: 4 }],
    ['a b c d', 'a c d', { wer: 0.25, substitutions: 0, insertions: 0, deletions: 1, referenceWords: 4 }],
    ['a b', 'a b c', { wer: 0.5, substitutions: 0, insertions: 1, deletions: 0, referenceWords: 2 }],
    ['a b c', '', { wer: 1, substitutions: 0, insertions: 0, deletions: 3, referenceWords: 3 }],
    ['', '', { wer: 0, substitutions: 0, insertions: 0, deletions: 0, referenceWords: 0 }],
    ['', 'a b', { wer: 2, substitutions: 0, insertions: 2, deletions: 0, referenceWords: 0 }],
    ['a b c d e', 'x b d e f', { wer: 0.6, substitutions: 1, insertions: 1, deletions: 1, referenceWords: 5 }],
  ])('compares %j with %j', (reference, transcript, expected) => {
    expect(wordErrorRate(reference, transcript)).toEqual(expected);
  });

  it('counts operations that explain the lengths, and gives as many errors in the other direction', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(text, text, (reference, transcript) => {
        const forth = wordErrorRate(reference, transcript);
        const back = wordErrorRate(transcript, reference);
        const errors = (rate: typeof forth) => rate.substitutions + rate.insertions + rate.deletions;
        const transcriptWords = normalizedWords(transcript).length;
        expect(forth.referenceWords - forth.deletions + forth.insertions).toBe(transcriptWords);
        expect(errors(forth)).toBe(errors(back));
        expect(errors(forth)).toBeLessThanOrEqual(Math.max(forth.referenceWords, transcriptWords));
      }),
    );
  });
});
