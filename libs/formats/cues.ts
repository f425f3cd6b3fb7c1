import type { TranscriptSegment } from '#contracts';
import { onOneLine, type VoiceOf } from './transcript-document.js';

/** What is on the screen at one time: one or two lines. */
export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  readonly lines: readonly string[];
  readonly voice: string | undefined;
}

/** Usual bounds of subtitle style guides: two lines of 42 characters fit every player and can be read in time. */
export const MAX_LINE_LENGTH = 42;
const MAX_LINES = 2;

interface TimedPiece {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}

interface DraftCue {
  startMs: number;
  endMs: number;
  readonly lines: string[];
  readonly voice: string | undefined;
}

/**
 * Cuts segments into cues of at most two lines. Cues come in time order, never overlap, and last at least 1 ms; a segment
 * without text gives none. Words without times share their segment's time in proportion to their length.
 *
 * @param label puts the voice in front of its segment's text; formats with a field for the voice need none
 */
export function cuesOf(segments: readonly TranscriptSegment[], voiceOf: VoiceOf, label: boolean): Cue[] {
  const drafts = segments.flatMap((segment) => segmentCues(segment, voiceOf(segment), label));
  drafts.sort((a, b) => a.startMs - b.startMs);
  return withoutOverlap(drafts);
}

function segmentCues(segment: TranscriptSegment, voice: string | undefined, label: boolean): DraftCue[] {
  const pieces = timedPieces(segment, label ? voice : undefined);
  const cues: DraftCue[] = [];
  let lines: string[] = [];
  let first: TimedPiece | undefined;
  let last: TimedPiece | undefined;
  const finish = (): void => {
    if (first && last) cues.push({ startMs: first.startMs, endMs: last.endMs, lines, voice });
    lines = [];
    first = undefined;
  };
  for (const piece of pieces) {
    if (!addToLines(lines, piece.text)) {
      finish();
      lines.push(piece.text);
    }
    first ??= piece;
    last = piece;
  }
  finish();
  return cues;
}

/** Appends a piece to the last line or begins a new one; false when the cue is full. */
function addToLines(lines: string[], text: string): boolean {
  const current = lines.at(-1);
  if (current !== undefined && length(current) + 1 + length(text) <= MAX_LINE_LENGTH) {
    lines[lines.length - 1] = `${current} ${text}`;
    return true;
  }
  if (lines.length >= MAX_LINES) return false;
  lines.push(text);
  return true;
}

function timedPieces(segment: TranscriptSegment, label: string | undefined): TimedPiece[] {
  const words = segment.words?.map((word) => ({ ...word, text: onOneLine(word.text) })).filter((word) => word.text);
  const pieces = words?.length
    ? words.flatMap((word) => spread(split(word.text), word.startMs, word.endMs))
    : spread(onOneLine(segment.text).split(' ').flatMap(split), segment.startMs, segment.endMs);
  const [first] = pieces;
  if (label === undefined || first === undefined) return pieces;
  return [{ text: `${label}:`, startMs: first.startMs, endMs: first.startMs }, ...pieces];
}

/** A word that is longer than a line, as in scripts without spaces, in parts that fit. */
function split(text: string): string[] {
  const characters = Array.from(text);
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += MAX_LINE_LENGTH) {
    parts.push(characters.slice(at, at + MAX_LINE_LENGTH).join(''));
  }
  return parts;
}

function spread(texts: readonly string[], startMs: number, endMs: number): TimedPiece[] {
  const total = texts.reduce((sum, text) => sum + length(text), 0);
  const span = Math.max(0, endMs - startMs);
  let done = 0;
  return texts.map((text) => {
    const from = startMs + (span * done) / total;
    done += length(text);
    return { text, startMs: from, endMs: startMs + (span * done) / total };
  });
}

/** Code points: what a player shows as one character, near enough for wrapping. */
function length(text: string): number {
  return Array.from(text).length;
}

/**
 * Whole milliseconds, each cue after the one before it. A cue gives way to the one that begins while it is shown; two that
 * begin together share the time.
 */
function withoutOverlap(drafts: readonly DraftCue[]): Cue[] {
  const cues: Cue[] = [];
  let previousEndMs = 0;
  drafts.forEach((draft, index) => {
    const startMs = Math.max(Math.round(draft.startMs), previousEndMs);
    let endMs = Math.max(Math.round(draft.endMs), startMs + 1);
    const next = drafts[index + 1];
    if (next !== undefined) {
      const nextStartMs = Math.round(next.startMs);
      if (nextStartMs > startMs) endMs = Math.min(endMs, nextStartMs);
      else endMs = startMs + Math.max(1, Math.floor((endMs - startMs) / 2));
    }
    cues.push({ startMs, endMs, lines: draft.lines, voice: draft.voice });
    previousEndMs = endMs;
  });
  return cues;
}
