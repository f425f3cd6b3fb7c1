import { type EngineCapabilities, type EngineEvent, PolyscribeError, type TranscriptWarning } from '#contracts';
import type { Dialect, DialectCall, DialectSettings, ServerProfile } from '../dialect.js';
import type { ServerClient } from '../http/server-client.js';
import { multipartForm } from '../http/multipart.js';
import { toWhisperLanguage } from '../languages.js';
import { phraseLine } from '../phrases.js';
import { answerLimit, wellAnswered } from '../server-errors.js';
import { openApiOf } from './open-api.js';
import { finished } from './finished.js';
import { alignableLanguages, offeredModels, whisperCapabilities } from './whisper-capabilities.js';

const NAME = 'Whisper Asr Webservice';

/**
 * whisper-asr-webservice (ahmetoner) 1.9: one model for each process, one job at a time, no health route, no progress,
 * no cancelling. The parameters that its document shows tell which engine is inside.
 */
export const asrWebservice: Dialect = {
  name: 'asr-webservice',
  options: [],
  isDeafAtWork: true,
  expected: (settings) => capabilitiesOf(settings, new Set(['whisperx', 'diarize'])),
  probe,
  transcribe,
};

async function probe(server: ServerClient, settings: DialectSettings, signal: AbortSignal): Promise<ServerProfile> {
  const { title, parametersOf } = await openApiOf(server, signal);
  if (title !== NAME)
    throw new PolyscribeError('engine_unavailable', `What answers at ${server.address} is another server.`);
  const parameters = parametersOf('/asr');
  const traits = new Set<string>();
  if (parameters.has('min_speakers')) traits.add('whisperx');
  if (parameters.has('diarize')) traits.add('diarize');
  if (parameters.has('vad_filter')) traits.add('faster_whisper');
  return { capabilities: capabilitiesOf(settings, traits), health: { state: 'serving', reason: '' }, traits };
}

function capabilitiesOf(settings: DialectSettings, traits: ReadonlySet<string>): EngineCapabilities {
  const isWhisperx = traits.has('whisperx');
  return whisperCapabilities(settings, {
    // One model for each process, and it does not say which: the operator does.
    ...offeredModels({ ...settings, availableModels: undefined }, undefined),
    // WhisperX inside always aligns, and fails where it has no model for the language.
    ...(isWhisperx && { languages: [...alignableLanguages, 'nb', 'fil'] }),
    diarization: traits.has('diarize'),
    // A prompt makes WhisperX inside fail (issue 307 of the project).
    phraseBoosting: !isWhisperx,
  });
}

async function* transcribe(call: DialectCall): AsyncGenerator<EngineEvent, void> {
  const { server, request, audio, body, profile, signal, timeoutMs, hold, model } = call;
  const isWhisperx = profile.traits.has('whisperx');
  const { text: prompt, warnings } = phraseLine(request.phrases);
  const { query, warnings: bounds } = speakersOf(call);
  for (const warning of [...warnings, ...bounds]) yield { type: 'warning', warning };
  const form = multipartForm([], {
    name: 'audio_file',
    filename: 'audio.raw',
    mediaType: 'application/octet-stream',
    content: audio.pcm(),
  });
  const answer = await server.send({
    method: 'POST',
    path: 'asr',
    query: {
      output: 'json',
      // Raw samples: no decoder in between, and no header that could be taken for sound.
      encode: 'false',
      task: request.task,
      ...(request.language !== undefined && { language: toWhisperLanguage(request.language) }),
      ...(!isWhisperx && prompt !== '' && { initial_prompt: prompt }),
      ...(!isWhisperx && request.wordTimestamps && { word_timestamps: 'true' }),
      ...(profile.traits.has('faster_whisper') && { vad_filter: 'true' }),
      ...query,
    },
    ...form,
    signal,
    linger: { maxMs: timeoutMs, hold },
  });
  const text = await wellAnswered(answer, answerLimit(body.ms));
  // WhisperX inside aligns a translation with the model of the source language: the times of its words mean nothing.
  const words = request.wordTimestamps && !(isWhisperx && request.task === 'translate');
  yield* finished(
    text,
    { request: { ...request, wordTimestamps: words }, wanted: request, model, body },
    {
      confidence: isWhisperx ? 'score' : 'probability',
    },
  );
}

/**
 * The server hands its lower bound on as the exact number and its upper bound as the lower one (issue 311 of the project):
 * only an exact number can be said.
 */
function speakersOf({ request }: DialectCall): {
  readonly query: Record<string, string>;
  readonly warnings: readonly TranscriptWarning[];
} {
  if (!request.diarization) return { query: {}, warnings: [] };
  const { minSpeakers: min, maxSpeakers: max } = request.diarization;
  if (min !== undefined && min === max) return { query: { diarize: 'true', min_speakers: String(min) }, warnings: [] };
  const message = 'This server takes only an exact number of speakers; the bounds were left out.';
  const isBounded = min !== undefined || max !== undefined;
  return { query: { diarize: 'true' }, warnings: isBounded ? [{ code: 'speaker_bounds_ignored', message }] : [] };
}
