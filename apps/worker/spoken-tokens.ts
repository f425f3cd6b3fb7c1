import type { TranscriptSegment } from '#contracts';

/** A word of a segment's text, or a character where a script has no spaces, with the punctuation that clings to it. */
export interface SpokenToken {
  /** Place of its segment in the list. */
  readonly segment: number;
  /** Number within its segment. */
  readonly place: number;
  /** Where it stands in the segment's text; `to` is behind it. */
  readonly from: number;
  readonly to: number;
  /** What is compared: letters and digits in lower case. */
  readonly norm: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Whether the engine gave times of words; otherwise they are guessed from the segment's. */
  readonly isTimed: boolean;
}

/** Scripts that are written without spaces: each of their characters is a token. */
const UNSPACED =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const pieces = new RegExp(`[${UNSPACED}]\\p{M}*|[^\\s${UNSPACED}]+`, 'gu');

/** The tokens of some segments, in order. */
export function tokensOf(segments: readonly TranscriptSegment[]): SpokenToken[] {
  return segments.flatMap((segment, index) => segmentTokens(segment, index));
}

function segmentTokens(segment: TranscriptSegment, index: number): SpokenToken[] {
  const found: { from: number; to: number; norm: string }[] = [];
  for (const match of segment.text.matchAll(pieces)) {
    const norm = comparable(match[0]);
    const to = match.index + match[0].length;
    const last = found.at(-1);
    // Punctuation by itself belongs to what it follows.
    if (norm === '' && last) last.to = to;
    else found.push({ from: match.index, to, norm });
  }
  const clock = new TextClock(segment);
  return found.map(({ from, to, norm }, place) => ({
    ...{ segment: index, place, from, to, norm },
    ...clock.times(from, to),
    isTimed: clock.isTimed,
  }));
}

function comparable(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}]/gu, '');
}

/** Guesses when a stretch of a segment's text was spoken: by the engine's words where it gave any, else evenly. */
class TextClock {
  readonly isTimed: boolean;
  private readonly marks: { readonly chars: number; readonly startMs: number; readonly endMs: number }[];
  private readonly markedChars: number;

  constructor(private readonly segment: TranscriptSegment) {
    const words = segment.words ?? [];
    this.isTimed = words.length > 0;
    const marks = this.isTimed ? words : [segment];
    this.marks = marks.map(({ text, startMs, endMs }) => ({ chars: solid(text), startMs, endMs }));
    this.markedChars = this.marks.reduce((sum, { chars }) => sum + chars, 0);
  }

  times(from: number, to: number): { startMs: number; endMs: number } {
    const { text } = this.segment;
    const all = Math.max(1, solid(text));
    const before = solid(text.slice(0, from));
    const scale = this.markedChars / all;
    const startMs = this.at(before * scale, 'start');
    return { startMs, endMs: Math.max(startMs, this.at((before + solid(text.slice(from, to))) * scale, 'end')) };
  }

  /** When the character at that place was spoken; at the border of two words it is the start of one or the end of the other. */
  private at(chars: number, side: 'start' | 'end'): number {
    let passed = 0;
    for (const mark of this.marks) {
      const isIn = side === 'start' ? chars < passed + mark.chars - 1e-6 : chars <= passed + mark.chars + 1e-6;
      if (isIn)
        return mark.startMs + ((mark.endMs - mark.startMs) * Math.max(0, chars - passed)) / Math.max(1, mark.chars);
      passed += mark.chars;
    }
    return this.marks.at(-1)?.endMs ?? this.segment.endMs;
  }
}

/** Characters without spaces. */
function solid(text: string): number {
  return text.replace(/\s/gu, '').length;
}
