import fc from 'fast-check';
import { findRepetition } from './repetition-guard.js';

function repeated(phrase: readonly number[], times: number): number[] {
  return Array.from({ length: times }, () => phrase).flat();
}

describe('findRepetition', () => {
  it('keeps what comes before a loop and the phrase once', () => {
    const before = [10, 11, 12];
    expect(findRepetition([...before, ...repeated([7, 8, 9], 9)])).toBe(before.length + 3);
  });

  it('finds a single token that does not end', () => {
    expect(findRepetition([5, 6, ...repeated([9], 30)])).toBe(3);
  });

  it('lets people repeat themselves', () => {
    expect(findRepetition(repeated([7], 8))).toBeUndefined();
    expect(findRepetition(repeated([7, 8, 9], 5))).toBeUndefined();
  });

  it('sees no loop that has ended', () => {
    expect(findRepetition([...repeated([7, 8], 20), 1, 2, 3, 4])).toBeUndefined();
  });

  it('stops any phrase of up to 24 tokens within six rounds or 24 tokens', () => {
    const phrases = fc.array(fc.integer({ min: 3, max: 31_999 }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(phrases, fc.array(fc.integer({ min: 3, max: 31_999 }), { maxLength: 30 }), (phrase, before) => {
        const rounds = Math.max(6, Math.ceil(24 / phrase.length));
        const keep = findRepetition([...before, ...repeated(phrase, rounds)]);
        expect(keep).toBeDefined();
        expect(keep).toBeLessThanOrEqual(before.length + phrase.length);
      }),
    );
  });
});
