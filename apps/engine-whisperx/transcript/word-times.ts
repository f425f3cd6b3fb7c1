import type { ServerWord } from './server-transcript.js';

/** A word whose times are known or filled in, in milliseconds. */
export interface TimedWord {
  readonly word: ServerWord;
  readonly startMs: number;
  readonly endMs: number;
  readonly interpolated: boolean;
}

/**
 * Gives every word a time: those that the server could not place (digits, symbols) share what lies between their
 * neighbours in equal parts. Times never fall, whatever the server says.
 */
export function timeWords(words: readonly ServerWord[], startMs: number, endMs: number): TimedWord[] {
  const timed: TimedWord[] = [];
  let unplaced: ServerWord[] = [];
  let at = startMs;
  const fillUntil = (untilMs: number): void => {
    const shareMs = Math.max(0, untilMs - at) / Math.max(1, unplaced.length);
    for (const word of unplaced) {
      timed.push({ word, startMs: at, endMs: at + shareMs, interpolated: true });
      at += shareMs;
    }
    unplaced = [];
  };
  for (const word of words) {
    if (word.start === undefined || word.end === undefined) {
      unplaced.push(word);
      continue;
    }
    fillUntil(word.start * 1000);
    const wordStartMs = Math.max(timed.at(-1)?.startMs ?? -Infinity, word.start * 1000);
    const wordEndMs = Math.max(wordStartMs, word.end * 1000);
    timed.push({ word, startMs: wordStartMs, endMs: wordEndMs, interpolated: word.interpolated ?? false });
    at = Math.max(at, wordEndMs);
  }
  fillUntil(endMs);
  return timed;
}
