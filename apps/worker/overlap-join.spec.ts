import fc from 'fast-check';
import type { TranscriptSegment } from '#contracts';
import { joinOverlap } from './overlap-join.js';

interface Word {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

interface Style {
  readonly timed: boolean;
  /** Between words. */
  readonly space: string;
  /** Words of a segment. */
  readonly perSegment: number;
}

const CUT_MS = 60_000;
const overlap = { cutMs: CUT_MS, reachMs: 2_000 };
const english: Style = { timed: true, space: ' ', perSegment: 7 };

/** Continuous speech around the cut: no pause between words. */
function speech(texts: readonly string[], wordMs = 300): Word[] {
  const startMs = CUT_MS - (texts.length * wordMs) / 2;
  return texts.map((text, n) => ({ text, startMs: startMs + n * wordMs, endMs: startMs + (n + 1) * wordMs }));
}

function segmentsOf(words: readonly Word[], span: number, style: Style): TranscriptSegment[] {
  const segments: TranscriptSegment[] = [];
  for (let first = 0; first < words.length; first += style.perSegment) {
    const said = words.slice(first, first + style.perSegment);
    segments.push({
      ...{ id: `${span}-${segments.length}`, span },
      ...{ startMs: said[0]?.startMs ?? 0, endMs: said.at(-1)?.endMs ?? 0 },
      text: said.map(({ text }) => text).join(style.space),
      ...(style.timed ? { words: said } : {}),
    });
  }
  return segments;
}

/** What the two sides hear: words that are cut off at the end of what they hear come out wrong. */
function bothSides(words: readonly Word[]): { before: Word[]; after: Word[] } {
  const { cutMs, reachMs } = overlap;
  const wrong = (word: Word) => ({ ...word, text: `${word.text.slice(0, 1)}x` });
  const heard = (word: Word, fromMs: number, toMs: number): Word[] => {
    if (word.endMs <= fromMs || word.startMs >= toMs) return [];
    if (word.startMs >= fromMs && word.endMs <= toMs) return [word];
    const clipped = { ...word, startMs: Math.max(fromMs, word.startMs), endMs: Math.min(toMs, word.endMs) };
    return [wrong(clipped)];
  };
  return {
    before: words.flatMap((word) => heard(word, -Infinity, cutMs + reachMs)),
    after: words.flatMap((word) => heard(word, cutMs - reachMs, Infinity)),
  };
}

function joined(before: readonly TranscriptSegment[], after: readonly TranscriptSegment[]): TranscriptSegment[] {
  const sides = joinOverlap(before, after, overlap);
  return [...sides.before, ...sides.after];
}

function textOf(segments: readonly TranscriptSegment[], space = ' '): string {
  return segments.map(({ text }) => text).join(space);
}

const vocabulary = ['the', 'patient', 'has', 'had', 'a', 'cough', 'for', 'two', 'weeks', 'and', 'no', 'fever', 'since'];
const someWords = fc.array(fc.constantFrom(...vocabulary), { minLength: 40, maxLength: 60 });

describe('joinOverlap', () => {
  it.each([
    ['times of words', { ...english }, 300],
    ['times of segments', { ...english, timed: false }, 300],
    ['long segments', { ...english, timed: false, perSegment: 30 }, 300],
    ['a word for each segment', { ...english, perSegment: 1 }, 300],
  ])('gives every word once, by %s', (_by, style, wordMs) => {
    fc.assert(
      fc.property(someWords, fc.integer({ min: -140, max: 140 }), (texts, shiftMs) => {
        const words = speech(texts, wordMs).map((word) => ({
          ...word,
          startMs: word.startMs + shiftMs,
          endMs: word.endMs + shiftMs,
        }));
        const { before, after } = bothSides(words);
        const segments = joined(segmentsOf(before, 0, style), segmentsOf(after, 1, style));
        expect(textOf(segments)).toBe(texts.join(' '));
      }),
      { numRuns: 100 },
    );
  });

  it('gives every character once in a script without spaces', () => {
    const text = '患者从两周前开始咳嗽没有发烧但是晚上睡不好觉今天早上又开始头痛所以来医院检查一下身体';
    const style = { timed: false, space: '', perSegment: 12 };
    const { before, after } = bothSides(speech(Array.from(text), 200));
    const segments = joined(segmentsOf(before, 0, style), segmentsOf(after, 1, style));
    expect(textOf(segments, '')).toBe(text);
  });

  it('goes by letters alone where case and punctuation differ', () => {
    const texts = Array.from({ length: 40 }, (_, n) => `word${n}`);
    const { before, after } = bothSides(speech(texts));
    const loud = after.map((word) => ({ ...word, text: `${word.text.toUpperCase()},` }));
    const segments = joined(segmentsOf(before, 0, english), segmentsOf(loud, 1, english));
    expect(textOf(segments).toLowerCase().replaceAll(',', '')).toBe(texts.join(' '));
  });

  it('loses at most the words that the two heard differently', () => {
    const texts = Array.from({ length: 40 }, (_, n) => `word${n}`);
    const { before, after } = bothSides(speech(texts));
    const misheard = after.map((word, n) => (n % 4 === 2 ? { ...word, text: 'something' } : word));
    const got = textOf(joined(segmentsOf(before, 0, english), segmentsOf(misheard, 1, english))).split(' ');
    expect(got).toHaveLength(texts.length);
    expect(got.filter((word) => word.startsWith('word')).length).toBe(new Set(got).size - 1);
  });

  it('keeps all of a side where the other has heard nothing', () => {
    const { before, after } = bothSides(speech(vocabulary.concat(vocabulary)));
    const [left, right] = [segmentsOf(before, 0, english), segmentsOf(after, 1, english)];
    expect(joinOverlap(left, [], overlap)).toEqual({ before: left, after: [] });
    expect(joinOverlap([], right, overlap)).toEqual({ before: [], after: right });
    const early = left.filter(({ endMs }) => endMs < CUT_MS - 2_500);
    expect(joinOverlap(early, right, overlap)).toEqual({ before: early, after: right });
  });

  it('parts two sides that share no word at the cut', () => {
    const words = speech(Array.from({ length: 40 }, () => 'same'));
    const other = bothSides(words).after.map((word) => ({ ...word, text: 'other' }));
    const segments = joined(segmentsOf(bothSides(words).before, 0, english), segmentsOf(other, 1, english));
    expect(textOf(segments).split(' ')).toHaveLength(40);
  });

  it('keeps segments in time order, words within them, and ids', () => {
    fc.assert(
      fc.property(someWords, fc.boolean(), fc.integer({ min: 1, max: 20 }), (texts, timed, perSegment) => {
        const style = { timed, space: ' ', perSegment };
        const { before, after } = bothSides(speech(texts));
        const segments = joined(segmentsOf(before, 0, style), segmentsOf(after, 1, style));
        for (const [n, { startMs, endMs, text, words }] of segments.entries()) {
          expect(startMs).toBeGreaterThanOrEqual(segments[n - 1]?.startMs ?? 0);
          expect(endMs).toBeGreaterThanOrEqual(startMs);
          expect(text).toBe(text.trim());
          expect(words?.map((word) => word.text).join(' ') ?? text).toBe(text);
        }
        expect(new Set(segments.map(({ id }) => id)).size).toBe(segments.length);
      }),
      { numRuns: 100 },
    );
  });

  it('leaves alone what lies outside the overlap', () => {
    const far = { id: '0-0', span: 0, startMs: 0, endMs: 50_000, text: 'far away' };
    const later = { id: '1-9', span: 1, startMs: 70_000, endMs: 71_000, text: 'far away' };
    expect(joinOverlap([far], [later], overlap)).toEqual({ before: [far], after: [later] });
  });
});
