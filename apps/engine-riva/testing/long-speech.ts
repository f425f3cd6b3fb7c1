import { pcmBytesToMs } from '#contracts';
import { type ScriptedWord, scriptedSpeech, scriptedWords } from '#engine-testkit';

/** Sentences of three words, no two of which are alike for a while: what is lost, doubled or moved shows. */
const sentences = Array.from({ length: 12 }, (_, sentence) =>
  [0, 1, 2].map((word): ScriptedWord => scriptedWords[(sentence * 5 + word * 3) % scriptedWords.length] ?? 'alpha'),
);

/** About 18 seconds of scripted speech, and what a punctuating model writes down. */
export const longSpeech = {
  pcm: scriptedSpeech(sentences),
  durationMs: pcmBytesToMs(scriptedSpeech(sentences).length),
  texts: sentences.map((words) => `${capitalised(words.join(' '))}.`),
} as const;

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
