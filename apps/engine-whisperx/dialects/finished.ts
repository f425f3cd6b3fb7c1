import type { EngineEvent, EngineRequest } from '#contracts';
import type { AudioBody } from '../audio-body.js';
import { fromWhisperLanguage } from '../languages.js';
import { engineSegments, type SegmentWishes } from '../transcript/engine-segments.js';
import { parseJson } from '../transcript/parse-json.js';
import { readTranscript, type ServerTranscript } from '../transcript/server-transcript.js';

export interface FinishedCall {
  /** What was asked of the server. */
  readonly request: EngineRequest;
  /** What was asked of us; undefined when it is the same. */
  readonly wanted?: EngineRequest;
  readonly model: string;
  readonly body: AudioBody;
}

/** The events of an answer that comes whole: segments, a warning for what is missing in it, the summary. */
export function finished(
  text: string,
  call: FinishedCall,
  { confidence }: Pick<SegmentWishes, 'confidence'>,
): Generator<EngineEvent, void> {
  return eventsOf(readTranscript(parseJson(text), call.body.ms), call, { confidence });
}

/** The same from a transcript that has been read. */
export function* eventsOf(
  transcript: ServerTranscript,
  { request, wanted = request, model, body }: FinishedCall,
  { confidence }: Pick<SegmentWishes, 'confidence'>,
): Generator<EngineEvent, void> {
  const speakers = request.diarization !== undefined;
  const wishes = { audioMs: body.ms, words: request.wordTimestamps, speakers, confidence };
  const segments = engineSegments(transcript, wishes);
  // Servers log what failed after the text was there, and answer as if nothing had been asked for.
  if (wanted.wordTimestamps && segments.length > 0 && !segments.some(({ words }) => words !== undefined)) {
    yield { type: 'warning', warning: { code: 'no_words', message: 'The server gave no times for words.' } };
  }
  if (speakers && segments.length > 0 && !segments.some(({ speakerTag }) => speakerTag !== undefined)) {
    yield { type: 'warning', warning: { code: 'no_speakers', message: 'The server did not tell speakers apart.' } };
  }
  for (const segment of segments) yield { type: 'segment', segment };
  const language = fromWhisperLanguage(transcript.language) ?? request.language ?? 'und';
  yield { type: 'summary', language, model, audioMs: body.ms };
}
