import { z } from 'zod';
import { PolyscribeError } from '#contracts';
import type { ServerSegment, ServerTranscript, ServerWord } from '../transcript/server-transcript.js';

/** The one that speaches knows (0.9). */
export const DIARIZATION_MODEL = 'pyannote/speaker-diarization-community-1';

const turnSchema = z.object({ start: z.number(), end: z.number(), speaker: z.string().max(200) });
export type DiarizationTurn = z.output<typeof turnSchema>;

/** @throws PolyscribeError `engine_bad_response` */
export function readTurns(value: unknown): readonly DiarizationTurn[] {
  const { data } = z.object({ segments: z.array(turnSchema) }).safeParse(value);
  if (!data) throw new PolyscribeError('engine_bad_response', 'The server did not say who speaks when.');
  return data.segments.toSorted((a, b) => a.start - b.start);
}

/** Puts speakers, which come from a call of their own, to segments and words: whose turn overlaps them most. */
export function withSpeakers(transcript: ServerTranscript, turns: readonly DiarizationTurn[]): ServerTranscript {
  const longestSeconds = turns.reduce((longest, { start, end }) => Math.max(longest, end - start), 0);
  const marked = <T extends ServerSegment | ServerWord>(part: T): T => ({
    ...part,
    speaker: speakerAt(turns, part.start, part.end, longestSeconds),
  });
  return {
    ...transcript,
    segments: transcript.segments.map((segment) => ({ ...marked(segment), words: segment.words?.map(marked) })),
    words: transcript.words.map(marked),
  };
}

function speakerAt(
  turns: readonly DiarizationTurn[],
  start: number | undefined,
  end: number | undefined,
  longestSeconds: number,
): string | undefined {
  if (start === undefined || end === undefined) return undefined;
  const overlaps = new Map<string, number>();
  // Turns are in order of their start: what begins longer before than the longest turn lasts is over.
  for (let index = firstFrom(turns, start - longestSeconds); index < turns.length; index += 1) {
    const turn = turns[index];
    if (!turn || turn.start >= end) break;
    const seconds = Math.min(end, turn.end) - Math.max(start, turn.start);
    if (seconds > 0) overlaps.set(turn.speaker, (overlaps.get(turn.speaker) ?? 0) + seconds);
  }
  return [...overlaps].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}

/** Index of the first turn that does not begin before. */
function firstFrom(turns: readonly DiarizationTurn[], start: number): number {
  let low = 0;
  let high = turns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((turns[middle]?.start ?? Infinity) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
