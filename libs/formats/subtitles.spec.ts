import fc from 'fast-check';
import { parseSync } from 'subtitle';
import type { TranscriptSegment } from '#contracts';
import { type CueRules, defaultCueRules } from './cue-rules.js';
import { toSubRip, toWebVtt } from './subtitles.js';
import { aDocument, aSegment } from './testing/documents.js';
import { strictSubRipProblems, strictWebVttProblems } from './testing/strict-subtitles.js';

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc
    .array(fc.constantFrom('so', '-->', '--->', '<b>', '&amp;', '\n\n', '1', 'diabetes', '漢字'.repeat(60)))
    .map((w) => w.join(' ')),
);

const anySegments: fc.Arbitrary<TranscriptSegment[]> = fc
  .array(
    fc.record({
      startMs: fc.integer({ min: 0, max: 40_000_000 }),
      lengthMs: fc.integer({ min: 0, max: 30_000 }),
      text: anyText,
      speakerTag: fc.option(fc.nat(3), { nil: undefined }),
      timed: fc.boolean(),
    }),
    { maxLength: 20 },
  )
  .map((drafts) =>
    drafts
      .toSorted((a, b) => a.startMs - b.startMs)
      .map(({ startMs, lengthMs, text, speakerTag, timed }) =>
        aSegment(startMs, startMs + lengthMs, text, {
          ...(speakerTag === undefined ? {} : { speakerTag }),
          ...(timed
            ? { words: text.split(' ').map((word) => ({ text: word, startMs, endMs: startMs + lengthMs })) }
            : {}),
        }),
      ),
  );

function cueTexts(subtitles: string): string[] {
  return parseSync(subtitles).flatMap((node) => (node.type === 'cue' ? [node.data.text] : []));
}

const anyRules: fc.Arbitrary<CueRules> = fc.record({
  maxLineLength: fc.integer({ min: 10, max: 120 }),
  maxLines: fc.integer({ min: 1, max: 4 }),
  charactersPerSecond: fc.integer({ min: 5, max: 60 }),
  minCueMs: fc.integer({ min: 0, max: 3_000 }),
  maxCueMs: fc.integer({ min: 3_000, max: 20_000 }),
});

describe('rules for subtitles', () => {
  const cuesBy = (cueRules: CueRules, segments: readonly TranscriptSegment[]) =>
    parseSync(toSubRip({ ...aDocument(segments), cueRules })).flatMap((node) =>
      node.type === 'cue' ? [node.data] : [],
    );
  const rules = { ...defaultCueRules };

  it('give subtitles that strict readers take, within their bounds, for any transcript', () => {
    fc.assert(
      fc.property(anySegments, anyRules, (segments, cueRules) => {
        const document = { ...aDocument(segments), cueRules };
        // The strict check holds cues to two lines.
        const problems = [...strictSubRipProblems(toSubRip(document)), ...strictWebVttProblems(toWebVtt(document))];
        expect(problems.filter((problem) => !problem.endsWith(' lines'))).toEqual([]);
        for (const { text, start, end } of cuesBy(cueRules, segments)) {
          const lines = text.split('\n');
          expect(lines.length).toBeLessThanOrEqual(cueRules.maxLines);
          expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThanOrEqual(cueRules.maxLineLength);
          expect(end - start).toBeLessThanOrEqual((cueRules.maxCueMs ?? 0) + 1);
        }
      }),
    );
  });

  it('cut what would stay too long', () => {
    const cues = cuesBy({ ...rules, maxCueMs: 2_000 }, [aSegment(0, 6_000, 'one two six ten')]);
    expect(cues.map(({ text }) => text)).toEqual(['one', 'two', 'six', 'ten']);
    expect(cuesBy({ ...rules, maxCueMs: 3_000 }, [aSegment(0, 6_000, 'one two six ten')])).toHaveLength(2);
  });

  it('keep a short cue for as long as the next one allows', () => {
    const segments = [aSegment(0, 200, 'Yes.'), aSegment(1_000, 1_200, 'No.'), aSegment(9_000, 9_100, 'So.')];
    const times = cuesBy({ ...rules, minCueMs: 1_500 }, segments).map(({ start, end }) => [start, end]);
    expect(times).toEqual([
      [0, 1_000],
      [1_000, 2_500],
      [9_000, 10_500],
    ]);
  });

  it('give time for reading', () => {
    const [cue] = cuesBy({ ...rules, charactersPerSecond: 10 }, [aSegment(0, 500, 'Twenty characters ok')]);
    expect(cue).toMatchObject({ start: 0, end: 2_000 });
  });
});

describe('SubRip', () => {
  it('is accepted by the strict check for any transcript', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        expect(strictSubRipProblems(toSubRip(aDocument(segments)))).toEqual([]);
      }),
    );
  });

  it('keeps every word in order when read back', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,30}$/), { minLength: 1, maxLength: 80 }), (words) => {
        const subtitles = toSubRip(aDocument([aSegment(1_000, 61_000, words.join(' '))]));
        expect(cueTexts(subtitles).join(' ').split(/\s+/)).toEqual(words);
      }),
    );
  });

  it('shows at most two lines of 42 characters', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        const lines = toSubRip(aDocument(segments)).split('\n');
        expect(lines.filter((line) => Array.from(line).length > defaultCueRules.maxLineLength)).toEqual([]);
      }),
    );
  });

  it('is empty for silence', () => {
    expect(toSubRip(aDocument([]))).toBe('');
  });

  it('numbers cues and writes hours beyond 24', () => {
    const subtitles = toSubRip(aDocument([aSegment(0, 900, 'One.'), aSegment(90_061_001, 90_062_002, 'Two.')]));
    expect(subtitles).toBe('1\n00:00:00,000 --> 00:00:00,900\nOne.\n\n2\n25:01:01,001 --> 25:01:02,002\nTwo.\n');
  });

  it('shows a cue until the next voice begins', () => {
    const segments = [aSegment(0, 5_000, 'First.', { channel: 0 }), aSegment(2_000, 4_000, 'Second.', { channel: 1 })];
    const cues = parseSync(toSubRip(aDocument(segments)));
    expect(cues.map((node) => (node.type === 'cue' ? [node.data.start, node.data.end, node.data.text] : []))).toEqual([
      [0, 2_000, 'Channel 1: First.'],
      [2_000, 4_000, 'Channel 2: Second.'],
    ]);
  });

  it('takes the times of words where they are known', () => {
    const long = Array.from({ length: 30 }, (_, index) => ({
      text: 'measured',
      startMs: index * 1_000,
      endMs: index * 1_000 + 400,
    }));
    const segment = aSegment(0, 30_000, long.map((word) => word.text).join(' '), { words: long });
    const [first, second] = parseSync(toSubRip(aDocument([segment])));
    expect(first).toMatchObject({ data: { start: 0, end: 7_400 } });
    expect(second).toMatchObject({ data: { start: 8_000 } });
  });
});

describe('WebVTT', () => {
  it('is accepted by the strict check for any transcript', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        expect(strictWebVttProblems(toWebVtt(aDocument(segments)))).toEqual([]);
      }),
    );
  });

  it('is only its header for silence', () => {
    expect(toWebVtt(aDocument([]))).toBe('WEBVTT\n');
  });

  it('names the speaker and escapes markup', () => {
    const vtt = toWebVtt(aDocument([aSegment(70, 1_000, 'a < b && c --> d', { speakerTag: 1 })]));
    expect(vtt).toBe('WEBVTT\n\n00:00:00.070 --> 00:00:01.000\n<v Speaker 2>a &lt; b &amp;&amp; c --&gt; d\n');
  });
});

describe('the strict check', () => {
  it.each([
    ['a wrong number', '2\n00:00:00,000 --> 00:00:01,000\nA\n'],
    ['a point for the comma', '1\n00:00:00.000 --> 00:00:01,000\nA\n'],
    ['a cue without text', '1\n00:00:00,000 --> 00:00:01,000\n'],
    ['an arrow in the text', '1\n00:00:00,000 --> 00:00:01,000\nA --> B\n'],
    ['a cue that ends when it begins', '1\n00:00:01,000 --> 00:00:01,000\nA\n'],
    ['overlapping cues', '1\n00:00:00,000 --> 00:00:02,000\nA\n\n2\n00:00:01,000 --> 00:00:03,000\nB\n'],
    ['three lines', '1\n00:00:00,000 --> 00:00:02,000\nA\nB\nC\n'],
  ])('finds %s', (_, subtitles) => {
    expect(strictSubRipProblems(subtitles)).not.toEqual([]);
  });
});
