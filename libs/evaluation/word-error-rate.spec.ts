import fc from 'fast-check';
import { compareTexts, wordErrorRate } from './word-error-rate.js';
import { comparedWords, normalizedWords } from './words.js';

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

  it('takes no longer for quotes within a word than for letters', () => {
    const word = `a${"'".repeat(400_000)}b`;
    expect(normalizedWords(word)).toEqual([word]);
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

describe('comparedWords', () => {
  it('keeps each word as it was written beside its compared form', () => {
    expect(comparedWords('A well-known "Name" - isn\u2019t it?')).toEqual([
      { text: 'A', form: 'a' },
      { text: 'well-', form: 'well' },
      { text: 'known', form: 'known' },
      { text: '"Name"', form: 'name' },
      { text: 'isn\u2019t', form: "isn't" },
      { text: 'it?', form: 'it' },
    ]);
  });

  it('compares case and punctuation where that is wanted', () => {
    const rules = { ignoreCase: false, ignorePunctuation: false };
    expect(comparedWords('Yes, no', rules).map(({ form }) => form)).toEqual(['Yes,', 'no']);
  });

  it('has the forms that normalizedWords gives, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(comparedWords(text).map(({ form }) => form)).toEqual(normalizedWords(text));
      }),
    );
  });
});

describe('compareTexts', () => {
  it('shows the differences in runs', () => {
    const { diff, wer, hypothesisWords } = compareTexts('The cat sat on the mat.', 'the cat sits on a red mat today');
    expect(diff).toEqual([
      { type: 'equal', reference: 'The cat', hypothesis: 'the cat' },
      { type: 'substitution', reference: 'sat', hypothesis: 'sits' },
      { type: 'equal', reference: 'on', hypothesis: 'on' },
      { type: 'insertion', hypothesis: 'a' },
      { type: 'substitution', reference: 'the', hypothesis: 'red' },
      { type: 'equal', reference: 'mat.', hypothesis: 'mat' },
      { type: 'insertion', hypothesis: 'today' },
    ]);
    expect(wer).toBeCloseTo(4 / 6);
    expect(hypothesisWords).toBe(8);
  });

  it('gives one deletion for a text that is missing', () => {
    expect(compareTexts('a b', '').diff).toEqual([{ type: 'deletion', reference: 'a b' }]);
  });
});
