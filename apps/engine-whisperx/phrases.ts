import type { Phrase, TranscriptWarning } from '#contracts';

/**
 * Whisper reads at most 223 tokens of prompt (half of the decoder's 448, less the token that begins it) and drops what is
 * more, from the front. Some are left for what the server adds.
 */
const MOST_TOKENS = 200;

/** A vocabulary as one line of text that a Whisper prompt can hold. */
export interface PhraseLine {
  /** Empty when there are no phrases. */
  readonly text: string;
  readonly warnings: readonly TranscriptWarning[];
}

/**
 * The phrases as a comma-separated line, those with the highest boost first, as many as fit. Whisper has no strength for
 * a phrase, so that boosts only decide the order; a phrase that is to be avoided (boost below 0) cannot be expressed.
 */
export function phraseLine(phrases: readonly Phrase[]): PhraseLine {
  const wanted = phrases.filter(({ boost }) => (boost ?? 0) >= 0);
  const ordered = wanted.toSorted((a, b) => (b.boost ?? 0) - (a.boost ?? 0));
  const taken: string[] = [];
  let tokens = 0;
  for (const { phrase } of ordered) {
    const text = phrase.replaceAll(/[\s,]+/g, ' ').trim();
    const cost = tokensOf(text) + 1;
    if (text === '' || tokens + cost > MOST_TOKENS) continue;
    tokens += cost;
    taken.push(text);
  }
  const left = phrases.length - taken.length;
  const message = `${String(left)} of ${String(phrases.length)} phrases did not fit what Whisper reads as a hint and were left out.`;
  return { text: taken.join(', '), warnings: left === 0 ? [] : [{ code: 'phrases_left_out', message }] };
}

/** An upper estimate: names are cut into pieces of about three letters, other scripts into one or two a character. */
function tokensOf(text: string): number {
  const other = text.replaceAll(/[\u0020-\u007f]/g, '').length;
  return Math.ceil((text.length - other) / 3) + 2 * other;
}
