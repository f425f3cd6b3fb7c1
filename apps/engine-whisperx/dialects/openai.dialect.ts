import { type EngineCapabilities, type EngineEvent, PolyscribeError } from '#contracts';
import type { Dialect, DialectCall, DialectSettings } from '../dialect.js';
import { multipartForm } from '../http/multipart.js';
import type { ServerAnswer } from '../http/server-answer.js';
import { tee } from '../http/tee.js';
import { toWhisperLanguage } from '../languages.js';
import { phraseLine } from '../phrases.js';
import { answerLimit, statusError, wellAnswered } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';
import { readTranscript, type ServerTranscript } from '../transcript/server-transcript.js';
import { eventsOf } from './finished.js';
import { DIARIZATION_MODEL, type DiarizationTurn, readTurns, withSpeakers } from './openai-diarization.js';
import { openAiCapabilities, probeOpenAi } from './openai-probe.js';
import { KeptAudio, speechIsIn } from './openai-silence.js';

/**
 * Servers of OpenAI's shape: speaches (0.8 and 0.9, which differ), whisperx-api-server, and others that keep to OpenAI's
 * own fields. No progress, no cancelling.
 */
export const openai: Dialect = {
  name: 'openai',
  options: [
    { name: 'temperature', description: 'Of the sampling, from 0 to 1.', type: 'number', min: 0, max: 1 },
    { name: 'prompt', description: 'Text before the speech, instead of the phrases.', type: 'text' },
  ],
  isDeafAtWork: false,
  expected: (settings: DialectSettings): EngineCapabilities => openAiCapabilities(settings, new Set(), undefined),
  probe: probeOpenAi,
  transcribe,
};

async function* transcribe(call: DialectCall): AsyncGenerator<EngineEvent, void> {
  const { request, body, audio, profile, model } = call;
  const { text: vocabulary, warnings } = phraseLine(request.phrases);
  for (const warning of warnings) yield { type: 'warning', warning };
  const isSpeaches = profile.traits.has('speaches');
  const merges = request.diarization !== undefined && profile.traits.has('diarization');
  if (merges && (request.diarization.minSpeakers ?? request.diarization.maxSpeakers) !== undefined) {
    const message = 'This server takes no number of speakers; the bounds were left out.';
    yield { type: 'warning', warning: { code: 'speaker_bounds_ignored', message } };
  }
  // What is kept answers the question whether there was speech at all, where the server fails for want of it.
  const kept = isSpeaches ? new KeptAudio(audio.pcm()) : undefined;
  const content = kept ?? audio.wav();
  const [first = content, second] = merges ? tee(content, 2) : [];
  const [transcript, turns] = await bothOf(
    transcriptOf(call, first, vocabulary, kept),
    second && turnsOf(call, second),
  );
  const found = turns ? withSpeakers(transcript, turns) : transcript;
  const confidence = profile.capabilities.confidence
    ? profile.traits.has('whisperx-api-server')
      ? 'score'
      : 'probability'
    : 'none';
  yield* eventsOf(found, { request, model, body }, { confidence });
}

/** Both outcomes; the first error when one fails, once both have ended. */
async function bothOf<A, B>(a: Promise<A>, b: Promise<B> | undefined): Promise<[A, B | undefined]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

async function transcriptOf(
  call: DialectCall,
  content: AsyncIterable<Uint8Array>,
  vocabulary: string,
  kept: KeptAudio | undefined,
): Promise<ServerTranscript> {
  const { body, request } = call;
  const path = request.task === 'translate' ? 'v1/audio/translations' : 'v1/audio/transcriptions';
  const answer = await post(call, path, fieldsOf(call, vocabulary), content);
  const text = await answer.text(answerLimit(body.ms));
  if (answer.isOk) return readTranscript(parseJson(text), body.ms);
  // speaches 0.9 fails on half a minute and more without any speech (issue 608 of the project).
  const isSilence = answer.status === 500 && kept?.all !== undefined && !(await speechIsIn(kept.all, call));
  if (isSilence) return { language: request.language, segments: [], words: [] };
  throw errorOf(answer, text, call);
}

function errorOf(answer: ServerAnswer, text: string, { model }: DialectCall): PolyscribeError {
  if (answer.status !== 404) return statusError(answer, text);
  return new PolyscribeError('model_not_found', `The server does not have the model ${model}; install it there.`, {
    cause: new Error(text.slice(0, 500)),
  });
}

async function turnsOf(call: DialectCall, content: AsyncIterable<Uint8Array>): Promise<readonly DiarizationTurn[]> {
  const fields: [string, string][] = [
    ['model', DIARIZATION_MODEL],
    ['response_format', 'json'],
  ];
  const answer = await post(call, 'v1/audio/diarization', fields, content);
  return readTurns(parseJson(await wellAnswered(answer, answerLimit(call.body.ms))));
}

function post(
  { server, profile, signal, timeoutMs, hold }: DialectCall,
  path: string,
  fields: readonly (readonly [string, string])[],
  content: AsyncIterable<Uint8Array>,
): Promise<ServerAnswer> {
  // speaches takes raw samples by their type and needs no decoder then.
  const isRaw = profile.traits.has('speaches');
  const [filename, mediaType] = isRaw ? ['audio.pcm', 'audio/pcm'] : ['audio.wav', 'audio/wav'];
  const form = multipartForm(fields, { name: 'file', filename, mediaType, content });
  return server.send({ method: 'POST', path, ...form, signal, linger: { maxMs: timeoutMs, hold } });
}

function fieldsOf({ request, model, profile }: DialectCall, vocabulary: string): (readonly [string, string])[] {
  const { traits } = profile;
  const isSpeaches = traits.has('speaches') || traits.has('speaches-0.8');
  const isWhisperx = traits.has('whisperx-api-server');
  const { prompt, temperature } = request.engineOptions;
  const hotwords = isSpeaches || isWhisperx ? vocabulary : '';
  const hint = prompt ?? (hotwords === '' ? vocabulary : '');
  const common: (readonly [string, string])[] = [
    ['model', model],
    ['response_format', 'verbose_json'],
    ...(hint === '' ? [] : [['prompt', hint] as const]),
    ...(temperature === undefined ? [] : [['temperature', temperature] as const]),
  ];
  // Translations know no other fields.
  if (request.task === 'translate') return common;
  return [
    ...common,
    ...(request.language === undefined ? [] : [['language', toWhisperLanguage(request.language)] as const]),
    ...(hotwords === '' ? [] : [['hotwords', hotwords] as const]),
    ['timestamp_granularities[]', 'segment'],
    ...(request.wordTimestamps ? [['timestamp_granularities[]', 'word'] as const] : []),
    // Without, a segment of speaches is as long as half a minute.
    ...(isSpeaches ? [['without_timestamps', 'false'] as const] : []),
    ...(isWhisperx ? whisperxFields(request.diarization) : []),
  ];
}

function whisperxFields(
  diarization: { readonly minSpeakers?: number; readonly maxSpeakers?: number } | undefined,
): (readonly [string, string])[] {
  const { minSpeakers: min, maxSpeakers: max } = diarization ?? {};
  return [
    ['align', 'true'],
    // On unless told otherwise, and then numbers come out as words.
    ['suppress_numerals', 'false'],
    ['diarize', String(diarization !== undefined)],
    ...(min === undefined ? [] : [['min_speakers', String(min)] as const]),
    ...(max === undefined ? [] : [['max_speakers', String(max)] as const]),
  ];
}
