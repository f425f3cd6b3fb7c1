import type { EngineSegment } from '#contracts';
import type { ServerSegment, ServerTranscript, ServerWord } from './server-transcript.js';
import { type LabelledSegment, SpeakerTags, speakerOf } from './speaker-tags.js';
import { timeWords } from './word-times.js';

/** What a request wants to see of a transcript. */
export interface SegmentWishes {
  /** Length of the audio: nothing lies beyond it. */
  readonly audioMs: number;
  readonly words: boolean;
  readonly speakers: boolean;
  /** Where a word's confidence comes from: alignment and decoder measure different things. */
  readonly confidence: 'score' | 'probability' | 'none';
}

/** A server's transcript as the events of a call: trimmed, in time order, within the audio. */
export function engineSegments(transcript: ServerTranscript, wishes: SegmentWishes): EngineSegment[] {
  const placed = withTimes(transcript.segments, wishes.audioMs);
  const beside = wordsBySegment(placed, transcript.words);
  const labelled = placed.map((segment, index) => labelledSegment(segment, beside[index] ?? [], wishes));
  labelled.sort((a, b) => a.startMs - b.startMs);
  const tags = new SpeakerTags(wishes.speakers ? labelled : []);
  return labelled.map((segment) => {
    const { startMs, endMs, text, words } = segment;
    return {
      startMs,
      endMs,
      text,
      ...tags.of(speakerOf(segment)),
      ...(wishes.words &&
        words.length > 0 && { words: words.map(({ speaker, ...word }) => ({ ...word, ...tags.of(speaker) })) }),
    };
  });
}

interface PlacedSegment {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
  readonly speaker: string | undefined;
  readonly words: readonly ServerWord[] | undefined;
}

/** A segment without times lies between its neighbours; one without text says nothing. */
function withTimes(segments: readonly ServerSegment[], audioMs: number): PlacedSegment[] {
  const placed: PlacedSegment[] = [];
  for (const { start, end, text, speaker, words } of segments) {
    if (text.trim() === '') continue;
    const startMs = within((start ?? NaN) * 1000, 0, audioMs) ?? placed.at(-1)?.endMs ?? 0;
    const endMs = within((end ?? NaN) * 1000, startMs, audioMs) ?? startMs;
    placed.push({ startMs, endMs, text: text.trim(), speaker, words });
  }
  return placed;
}

/** Words that came beside the segments go to the one that they lie in, or the last one that begins before them. */
function wordsBySegment(segments: readonly PlacedSegment[], words: readonly ServerWord[]): ServerWord[][] {
  const lists: ServerWord[][] = segments.map(() => []);
  let index = 0;
  for (const word of words) {
    const startMs = (word.start ?? NaN) * 1000;
    while (index + 1 < segments.length && startMs >= (segments[index + 1]?.startMs ?? Infinity)) index += 1;
    lists[index]?.push(word);
  }
  return lists;
}

function labelledSegment(
  segment: PlacedSegment,
  beside: readonly ServerWord[],
  { audioMs, confidence }: SegmentWishes,
): LabelledSegment {
  const given = segment.words && segment.words.length > 0 ? segment.words : beside;
  const spoken = given.filter(({ word }) => word.trim() !== '');
  const words = timeWords(spoken, segment.startMs, segment.endMs).map(({ word, interpolated, ...times }) => {
    const startMs = within(times.startMs, 0, audioMs) ?? 0;
    const sure = confidence === 'none' ? undefined : within(word[confidence] ?? NaN, 0, 1);
    return {
      text: word.word.trim(),
      startMs,
      endMs: within(times.endMs, startMs, audioMs) ?? startMs,
      speaker: word.speaker,
      ...(sure !== undefined && !interpolated && { confidence: sure }),
      ...(interpolated && { interpolated }),
    };
  });
  return {
    text: segment.text,
    // Alignment may place a word a little outside of its segment.
    startMs: Math.min(segment.startMs, words[0]?.startMs ?? Infinity),
    endMs: words.reduce((last, word) => Math.max(last, word.endMs), segment.endMs),
    speaker: segment.speaker,
    words,
  };
}

/** The value held between two limits; undefined when it is no number. */
function within(value: number, least: number, most: number): number | undefined {
  return Number.isNaN(value) ? undefined : Math.min(Math.max(value, least), Math.max(least, most));
}
