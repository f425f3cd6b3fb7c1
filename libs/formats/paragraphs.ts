import type { TranscriptSegment } from '#contracts';
import { onOneLine, type VoiceOf } from './transcript-document.js';

/** What one voice says without a long pause. */
export interface Paragraph {
  readonly startMs: number;
  readonly voice: string | undefined;
  readonly text: string;
}

/** A pause that a reader would show as a new paragraph. */
const PAUSE_MS = 2_000;

/** A new paragraph begins at the next segment once one has become this long: walls of text are not read. */
const MAX_PARAGRAPH_MS = 60_000;

/** Groups segments by voice, pause and length. Segments without text are left out. */
export function paragraphsOf(segments: readonly TranscriptSegment[], voiceOf: VoiceOf): Paragraph[] {
  const groups: TranscriptSegment[][] = [];
  for (const segment of segments) {
    if (onOneLine(segment.text) === '') continue;
    const group = groups.at(-1);
    if (group && belongsTo(group, segment)) group.push(segment);
    else groups.push([segment]);
  }
  return groups.flatMap(([first, ...rest]) =>
    first === undefined
      ? []
      : [
          {
            startMs: first.startMs,
            voice: voiceOf(first),
            text: [first, ...rest].map((segment) => onOneLine(segment.text)).join(' '),
          },
        ],
  );
}

function belongsTo(group: readonly TranscriptSegment[], segment: TranscriptSegment): boolean {
  const first = group[0];
  const last = group.at(-1);
  if (!first || !last) return false;
  return (
    // Another voice begins a paragraph of its own, named or not.
    last.speakerTag === segment.speakerTag &&
    last.channel === segment.channel &&
    segment.startMs - last.endMs < PAUSE_MS &&
    segment.startMs - first.startMs < MAX_PARAGRAPH_MS
  );
}
