import fc from 'fast-check';
import { parseSync } from 'subtitle';
import type { TranscriptSegment } from '#contracts';
import { MAX_LINE_LENGTH } from './cues.js';
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
        expect(lines.filter((line) => Array.from(line).length > MAX_LINE_LENGTH)).toEqual([]);
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
