import type { TranscriptSegment } from '#contracts';
import { type CueRules, defaultCueRules } from './cue-rules.js';
import { onOneLine, type VoiceOf } from './transcript-document.js';

/** What is on the screen at one time. */
export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  readonly lines: readonly string[];
  readonly voice: string | undefined;
}

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
 * Cuts segments into cues by the rules. Cues come in time order, never overlap, and last at least 1 ms; a segment
 * without text gives none. Words without times share their segment's time in proportion to their length.
 *
 * @param label puts the voice in front of its segment's text; formats with a field for the voice need none
 */
export function cuesOf(
  segments: readonly TranscriptSegment[],
  voiceOf: VoiceOf,
  label: boolean,
  rules: CueRules = defaultCueRules,
): Cue[] {
  const drafts = segments.flatMap((segment) => segmentCues(segment, voiceOf(segment), label, rules));
  drafts.sort((a, b) => a.startMs - b.startMs);
  return withoutOverlap(drafts.map((draft) => readable(draft, rules)));
}

function segmentCues(
  segment: TranscriptSegment,
  voice: string | undefined,
  label: boolean,
  rules: CueRules,
): DraftCue[] {
  const { maxCueMs = Infinity } = rules;
  const pieces = timedPieces(segment, label ? voice : undefined, rules.maxLineLength);
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
    const isLong = first !== undefined && piece.endMs - first.startMs > maxCueMs;
    if (isLong || !addToLines(lines, piece.text, rules)) {
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
function addToLines(lines: string[], text: string, { maxLineLength, maxLines }: CueRules): boolean {
  const current = lines.at(-1);
  if (current !== undefined && length(current) + 1 + length(text) <= maxLineLength) {
    lines[lines.length - 1] = `${current} ${text}`;
    return true;
  }
  if (lines.length >= maxLines) return false;
  lines.push(text);
  return true;
}

function timedPieces(segment: TranscriptSegment, label: string | undefined, maxLength: number): TimedPiece[] {
  const split = (text: string): string[] => inParts(text, maxLength);
  const words = segment.words?.map((word) => ({ ...word, text: onOneLine(word.text) })).filter((word) => word.text);
  const pieces = words?.length
    ? words.flatMap((word) => spread(split(word.text), word.startMs, word.endMs))
    : spread(onOneLine(segment.text).split(' ').flatMap(split), segment.startMs, segment.endMs);
  const [first] = pieces;
  if (label === undefined || first === undefined) return pieces;
  return [{ text: `${label}:`, startMs: first.startMs, endMs: first.startMs }, ...pieces];
}

/** A word that is longer than a line, as in scripts without spaces, in parts that fit. */
function inParts(text: string, maxLength: number): string[] {
  const characters = Array.from(text);
  const parts: string[] = [];
  for (let at = 0; at < characters.length; at += maxLength) {
    parts.push(characters.slice(at, at + maxLength).join(''));
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

/** The cue with the time that reading it takes, and no longer than it may be. */
function readable(draft: DraftCue, { charactersPerSecond, minCueMs = 0, maxCueMs = Infinity }: CueRules): DraftCue {
  const characters = draft.lines.reduce((sum, line) => sum + length(line), 0);
  const readingMs = charactersPerSecond === undefined ? 0 : (characters * 1000) / charactersPerSecond;
  const lastingMs = Math.max(draft.endMs - draft.startMs, minCueMs, readingMs);
  return { ...draft, endMs: draft.startMs + Math.min(lastingMs, maxCueMs) };
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
