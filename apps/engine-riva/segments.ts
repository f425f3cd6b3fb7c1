import type { EngineSegment, EngineWord } from '#contracts';
import { type AlignedWord, alignCharacters, alignWords, tokensOf } from './word-alignment.js';

/** A word with its times in the audio. */
export interface TimedWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly confidence?: number;
  readonly speakerTag?: number;
}

export interface SettledText {
  /** Trimmed, not empty. */
  readonly text: string;
  readonly words: readonly TimedWord[];
  readonly confidence?: number;
  readonly language?: string;
}

/** One segment, or one for each stretch of words by one speaker; with words where they are wanted. */
export function segmentsOf(settled: SettledText, withWords: boolean): readonly EngineSegment[] {
  const { text, words, confidence, language } = settled;
  const { aligned, end, textFrom } = alignedIn(
    text,
    words.map((word) => word.text),
  );
  const marks = { ...(confidence !== undefined && { confidence }), ...(language !== undefined && { language }) };
  return stretchesOf(words, aligned).map(({ from, to }, index, stretches) => {
    const own = words.slice(from, to);
    const [first] = own;
    const startMs = first?.startMs ?? 0;
    const nextFrom = stretches[index + 1]?.from;
    const endToken = nextFrom === undefined ? end : (aligned[nextFrom]?.token ?? end);
    const spoken = textFrom(index === 0 ? 0 : (aligned[from]?.token ?? 0), endToken);
    return {
      startMs,
      endMs: Math.max(startMs, ...own.map((word) => word.endMs)),
      text: spoken,
      ...(first?.speakerTag !== undefined && { speakerTag: first.speakerTag }),
      ...marks,
      ...(withWords && { words: own.map((word, at) => ({ ...word, text: aligned[from + at]?.text ?? word.text })) }),
    };
  });
}

/** Words in their text, and what of the text lies from one place to another. */
interface Alignment {
  readonly aligned: readonly AlignedWord[];
  /** The place behind the text. */
  readonly end: number;
  readonly textFrom: (from: number, to: number) => string;
}

/** By characters where the text has fewer spaces than words and all words in it, as Chinese has; otherwise by tokens. */
function alignedIn(text: string, words: readonly string[]): Alignment {
  const tokens = tokensOf(text);
  const unspaced = tokens.length < words.length ? alignCharacters(text, words) : undefined;
  if (unspaced) return { aligned: unspaced, end: text.length, textFrom: (from, to) => text.slice(from, to).trim() };
  const textFrom = (from: number, to: number): string => tokens.slice(from, to).join(' ');
  return { aligned: alignWords(tokens, words), end: tokens.length, textFrom };
}

/**
 * Stretches of words by one speaker. A stretch to which no token of the text belongs (a number of two speakers that is
 * written as one) stays with the one before it.
 */
function stretchesOf(
  words: readonly TimedWord[],
  aligned: readonly AlignedWord[],
): readonly { readonly from: number; readonly to: number }[] {
  const starts = [0];
  for (let at = 1; at < words.length; at += 1) {
    const changes = words[at]?.speakerTag !== words[at - 1]?.speakerTag;
    const before = aligned[starts.at(-1) ?? 0]?.token ?? 0;
    if (changes && (aligned[at]?.token ?? 0) > before) starts.push(at);
  }
  return starts.map((from, index) => ({ from, to: starts[index + 1] ?? words.length }));
}

/** Words for a text whose words were not timed: spread over the stretch by their length, and marked as such. */
export function spreadWords(text: string, startMs: number, endMs: number, speakerTag?: number): readonly EngineWord[] {
  const tokens = tokensOf(text);
  const letters = tokens.reduce((sum, token) => sum + token.length, 0);
  let at = 0;
  const time = (done: number): number => Math.round(startMs + ((endMs - startMs) * done) / letters);
  return tokens.map((token) => {
    const from = at;
    at += token.length;
    const tag = speakerTag === undefined ? {} : { speakerTag };
    return { text: token, startMs: time(from), endMs: time(at), ...tag, interpolated: true };
  });
}
