import { engineSegments, type SegmentWishes } from './engine-segments.js';
import { parseJson } from './parse-json.js';
import { readTranscript } from './server-transcript.js';

const wishes: SegmentWishes = { audioMs: 10_000, words: true, speakers: true, confidence: 'score' };

function segmentsOf(answer: unknown, changes: Partial<SegmentWishes> = {}) {
  return engineSegments(readTranscript(answer, 10_000), { ...wishes, ...changes });
}

const hello = { start: 1, end: 2, text: ' hello ' };
const word = { word: 'hello', start: 1, end: 2, score: 0.5 };

describe('the transcript of a server', () => {
  it.each<[string, unknown]>([
    ['segments as a list', { segments: [{ ...hello, words: [word] }], language: 'en' }],
    ['segments as a result of their own', { segments: { segments: [hello], word_segments: [word] }, text: 'hello' }],
    ['words beside the segments', { segments: [hello], words: [word] }],
    ['words of segments beside them', { segments: [{ ...hello, words: null }], word_segments: [word] }],
    ['segments in the place of the text', { text: [{ ...hello, words: [word] }] }],
  ])('is read from %s', (_what, answer) => {
    expect(segmentsOf(answer)).toEqual([
      {
        startMs: 1_000,
        endMs: 2_000,
        text: 'hello',
        words: [{ text: 'hello', startMs: 1_000, endMs: 2_000, confidence: 0.5 }],
      },
    ]);
  });

  it('is one segment where the server gives only a text', () => {
    expect(segmentsOf({ text: 'hello' })).toEqual([{ startMs: 0, endMs: 10_000, text: 'hello' }]);
    expect(segmentsOf({ text: ' ' })).toEqual([]);
  });

  it.each([undefined, null, 7, 'text', [], {}, { segments: 7 }])('is not made up from %j', (answer) => {
    expect(() => segmentsOf(answer)).toThrow('no transcript');
  });

  it('leaves out entries that are no segments, and words that say nothing', () => {
    const words = [null, word, { word: ' ' }, { start: 1 }];
    expect(segmentsOf({ segments: [null, { ...hello, words }, { start: 3 }] })[0]?.words).toHaveLength(1);
  });

  it('lies within the audio and in time order, whatever the server says', () => {
    const words = [
      { word: 'b', start: 9, end: 12 },
      { word: 'a', start: 8, end: 7 },
    ];
    const late = { start: 9.5, end: 99, text: 'late', words };
    expect(segmentsOf({ segments: [late, { start: -1, end: 1, text: 'first' }] }, { confidence: 'none' })).toEqual([
      { startMs: 0, endMs: 1_000, text: 'first' },
      {
        startMs: 9_000,
        endMs: 10_000,
        text: 'late',
        words: [
          { text: 'b', startMs: 9_000, endMs: 10_000 },
          { text: 'a', startMs: 9_000, endMs: 9_000 },
        ],
      },
    ]);
  });

  it('gives words without times what lies between their neighbours, and says so', () => {
    const words = [
      { word: '$' },
      { word: 'a', start: 2, end: 3 },
      { word: '20' },
      { word: '14' },
      { word: 'b', start: 5, end: 6 },
      { word: '!' },
    ];
    const times = segmentsOf({ segments: [{ start: 1, end: 7, text: 'x', words }] })[0]?.words ?? [];
    expect(times.map(({ startMs, endMs, interpolated }) => [startMs, endMs, interpolated ?? false])).toEqual([
      [1_000, 2_000, true],
      [2_000, 3_000, false],
      [3_000, 4_000, true],
      [4_000, 5_000, true],
      [5_000, 6_000, false],
      [6_000, 7_000, true],
    ]);
  });

  it('numbers speakers in the order in which they speak, and takes one from the words where a segment has none', () => {
    const spoken = (speaker: string, start: number) => ({ word: 'w', start, end: start + 0.5, speaker });
    const segments = [
      { start: 0, end: 2, text: 'one', speaker: 'SPEAKER_07' },
      {
        start: 2,
        end: 4,
        text: 'two',
        words: [spoken('SPEAKER_02', 2), spoken('SPEAKER_07', 2.5), spoken('SPEAKER_02', 3)],
      },
      { start: 4, end: 5, text: 'three' },
    ];
    expect(segmentsOf({ segments }).map(({ speakerTag }) => speakerTag)).toEqual([0, 1, undefined]);
    const asked = segmentsOf({ segments }, { speakers: false, words: false });
    expect(JSON.stringify(asked)).not.toMatch(/speaker|words/);
  });

  it('does not mix the confidence of alignment with that of the decoder', () => {
    const both = { ...word, score: 0.2, probability: 0.9 };
    const answer = { segments: [{ ...hello, words: [both] }] };
    expect(segmentsOf(answer, { confidence: 'score' })[0]?.words?.[0]?.confidence).toBe(0.2);
    expect(segmentsOf(answer, { confidence: 'probability' })[0]?.words?.[0]?.confidence).toBe(0.9);
    expect(segmentsOf(answer, { confidence: 'none' })[0]?.words?.[0]).not.toHaveProperty('confidence');
  });

  it('is read in time that grows with its length alone', () => {
    const words = Array.from({ length: 50_000 }, (_, index) => ({
      word: 'w',
      ...(index % 2 === 0 && { start: index / 1e6, end: index / 1e6 }),
    }));
    expect(segmentsOf({ segments: [{ ...hello, words }] })[0]?.words).toHaveLength(50_000);
  }, 20_000);
});

describe('parseJson', () => {
  it('reads what Python writes, and leaves texts alone', () => {
    expect(parseJson('{"a":NaN,"b":-Infinity,"c":"NaN \\" Infinity"}')).toEqual({
      a: null,
      b: null,
      c: 'NaN " Infinity',
    });
  });

  it('says nothing of what it could not read', () => {
    expect(() => parseJson('my secret words')).toThrow(/^(?!.*secret)/);
  });
});
