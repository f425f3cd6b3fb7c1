import type { TranscriptSegment } from '#contracts';
import { type ComparedWord, comparedWords } from './words.js';

/** A word of a transcript, ready to be set beside those of others. */
export interface SpokenWord extends ComparedWord {
  readonly startMs: number;
  readonly endMs: number;
  readonly confidence?: number;
  readonly speakerTag?: number;
  readonly interpolated?: boolean;
  /** Which of the segments it comes from, from 0. */
  readonly segment: number;
}

/**
 * The words of segments in order, as their texts write them. Times are those of the engine's words; where it gave none,
 * they are spread over the segment by the length of the words and marked as interpolated.
 */
export function spokenWords(segments: readonly TranscriptSegment[]): SpokenWord[] {
  return segments.flatMap((segment, index) => {
    const written = comparedWords(segment.text);
    const timed = timedWords(segment);
    const words = timed.length === 0 ? spread(written, segment) : timed;
    // Some engines punctuate their texts and not their words.
    const spelling = words.length === written.length ? written : words;
    return words.map((word, n): SpokenWord => {
      const { text, form } = spelling[n] ?? word;
      const confidence = word.confidence ?? segment.confidence;
      const speakerTag = word.speakerTag ?? segment.speakerTag;
      return {
        ...{ text, form, startMs: word.startMs, endMs: word.endMs, segment: index },
        ...(confidence === undefined ? {} : { confidence }),
        ...(speakerTag === undefined ? {} : { speakerTag }),
        ...(word.interpolated === undefined ? {} : { interpolated: word.interpolated }),
      };
    });
  });
}

type TimedWord = Omit<SpokenWord, 'segment'>;

/** The words that the engine gave; one that holds several, such as one with a hyphen, shares its time among them. */
function timedWords({ words = [] }: TranscriptSegment): TimedWord[] {
  return words.flatMap(({ text, startMs, endMs, ...said }) => {
    const parts = comparedWords(text);
    if (parts.length > 1) return spread(parts, { startMs, endMs }).map((part) => ({ ...said, ...part }));
    return parts.map((part) => ({ ...said, ...part, startMs, endMs }));
  });
}

/** Words one after the other, each for as long as it has letters. */
function spread(words: readonly ComparedWord[], { startMs, endMs }: { startMs: number; endMs: number }): TimedWord[] {
  const letters = words.reduce((sum, { form }) => sum + form.length, 0);
  const place = (passed: number): number => Math.round(startMs + ((endMs - startMs) * passed) / Math.max(1, letters));
  let passed = 0;
  return words.map((word) => {
    const from = place(passed);
    passed += word.form.length;
    return { ...word, startMs: from, endMs: place(passed), interpolated: true };
  });
}
