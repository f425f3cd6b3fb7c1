import { toTranscriptSegment } from './span-segments.js';

describe('toTranscriptSegment', () => {
  const place = { index: 2, startMs: 60_000, endMs: 90_000, channelCount: 1 };

  it('moves times into the transcript and keeps them within the span', () => {
    const words = [{ text: 'late', startMs: 29_500, endMs: 30_900 }];
    const segment = toTranscriptSegment(place, 4, { startMs: 1_000, endMs: 31_000, text: 'late', words });
    expect(segment).toMatchObject({ id: '2-4', span: 2, startMs: 61_000, endMs: 90_000 });
    expect(segment.words).toEqual([{ text: 'late', startMs: 89_500, endMs: 90_000 }]);
  });

  it('gives confidences as they were before the wire made them single precision', () => {
    const words = [{ text: 'so', startMs: 0, endMs: 100, confidence: Math.fround(0.1) }];
    const segment = toTranscriptSegment(place, 0, {
      startMs: 0,
      endMs: 100,
      text: 'so',
      confidence: Math.fround(0.9),
      words,
    });
    expect(segment).toMatchObject({ confidence: 0.9, words: [{ confidence: 0.1 }] });
  });
});
