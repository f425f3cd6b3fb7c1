import type { EngineCapabilities, EngineRequest, EngineSegment } from '#contracts';
import type { ScriptedWord } from './scripted-speech.js';
import type { HeardSentence } from './tone-reader.js';

/** What is written for words, so that a script can say more than its few words. */
export type Phrasebook = Readonly<Partial<Record<ScriptedWord, string>>>;

/** A sentence as it is written: who says it still follows from the words that were heard. */
export type WrittenSentence = readonly {
  readonly heard: ScriptedWord;
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
}[];

export function inPhrases(sentence: HeardSentence, phrasebook: Phrasebook): WrittenSentence {
  return sentence.map((word) => ({ ...word, heard: word.text, text: phrasebook[word.text] ?? word.text }));
}

/** Words from this one on belong to the other voice. */
const SECOND_VOICE_FROM = 'india';

/**
 * A heard sentence as a segment with what the request asks for. The voice follows from the first word; translation is upper
 * case.
 *
 * @param speakers tags given so far in this call, by voice; a new voice gets the next
 */
export function segmentOf(
  sentence: WrittenSentence,
  heardMs: number,
  request: EngineRequest,
  capabilities: EngineCapabilities,
  speakers: Map<string, number>,
): EngineSegment {
  const words = sentence.map((word) => ({
    text: request.task === 'translate' ? word.text.toUpperCase() : word.text,
    startMs: word.startMs,
    endMs: Math.min(word.endMs, heardMs),
  }));
  const speakerTag = request.diarization && speakerOf(sentence, speakers);
  const marks = {
    ...(speakerTag !== undefined && { speakerTag }),
    ...(capabilities.confidence && { confidence: 0.9 }),
  };
  return {
    startMs: words[0]?.startMs ?? 0,
    endMs: words.at(-1)?.endMs ?? 0,
    text: words.map((word) => word.text).join(' '),
    ...marks,
    ...(request.wordTimestamps && { words: words.map((word) => ({ ...word, ...marks })) }),
  };
}

function speakerOf(sentence: WrittenSentence, speakers: Map<string, number>): number {
  const voice = (sentence[0]?.heard ?? '') < SECOND_VOICE_FROM ? 'first' : 'second';
  const known = speakers.get(voice) ?? speakers.size;
  speakers.set(voice, known);
  return known;
}
