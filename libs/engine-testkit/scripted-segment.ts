import type { EngineCapabilities, EngineRequest, EngineSegment } from '#contracts';
import type { HeardSentence } from './tone-reader.js';

/** Words from this one on belong to the other voice. */
const SECOND_VOICE_FROM = 'india';

/**
 * A heard sentence as a segment with what the request asks for. The voice follows from the first word; translation is upper
 * case.
 *
 * @param speakers tags given so far in this call, by voice; a new voice gets the next
 */
export function segmentOf(
  sentence: HeardSentence,
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

function speakerOf(sentence: HeardSentence, speakers: Map<string, number>): number {
  const voice = (sentence[0]?.text ?? '') < SECOND_VOICE_FROM ? 'first' : 'second';
  const known = speakers.get(voice) ?? speakers.size;
  speakers.set(voice, known);
  return known;
}
