import { type ScriptedWord, scriptedSpeech, scriptedWords, wavFile } from '#engine-testkit';
import type { Random } from './random.js';

/** A recording of which every word is known. */
export interface SpokenItem {
  /** Goes with the submission, so that jobs can be told apart whatever answers were lost. */
  readonly key: string;
  readonly text: string;
  readonly sentences: number;
  /** Made when it is sent: hundreds at once would fill the memory. */
  wav(): Buffer;
}

const SENTENCE_WORDS = 6;

/** Speech that begins with its own number, so that no two recordings say the same. */
export function spokenItem(number: number, sentences: number, random: Random): SpokenItem {
  const digits = number.toString(scriptedWords.length).padStart(SENTENCE_WORDS, '0');
  const spoken = [Array.from(digits, (digit) => wordAt(Number.parseInt(digit, scriptedWords.length)))];
  while (spoken.length < sentences) {
    spoken.push(Array.from({ length: random.between(2, SENTENCE_WORDS) }, () => random.pick(scriptedWords)));
  }
  return {
    key: `spoken-${number}`,
    text: spoken.map((sentence) => sentence.join(' ')).join(' '),
    sentences,
    wav: () => wavFile(scriptedSpeech(spoken)),
  };
}

function wordAt(index: number): ScriptedWord {
  const word = scriptedWords[index];
  if (word === undefined) throw new Error('Scripted speech has no such word.');
  return word;
}
