import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  type EngineCapabilities,
  type EngineEvent,
  type EngineOption,
  type ErrorCode,
  PolyscribeError,
  WAITING_STAGE,
} from '#contracts';
import type { Dialect, DialectCall, DialectSettings, ServerProfile } from '../dialect.js';
import { commonOptions, typedOptions } from '../engine-options.js';
import { multipartForm } from '../http/multipart.js';
import type { ServerClient } from '../http/server-client.js';
import { languageAliases, toWhisperLanguage } from '../languages.js';
import { phraseLine } from '../phrases.js';
import { beamSizes } from '../profiles.js';
import { ProgressTrack } from '../progress-track.js';
import { answerLimit, statusError, wellAnswered } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';
import { readTranscript } from '../transcript/server-transcript.js';
import { eventsOf } from './finished.js';
import { alignableLanguages, offeredModels, whisperCapabilities } from './whisper-capabilities.js';

/** The models that the server loads by name, where the operator lists none. */
const knownModels = ['tiny', 'base', 'small', 'medium', 'large-v2', 'large-v3'];

/** How often a task is asked for, in the beginning and later; half of it by chance. */
const POLL_FIRST_MS = 200;
const POLL_MOST_MS = 2_000;

/** So often in a row a task may be asked for in vain before the server counts as gone. */
const POLL_TRIES = 4;

const options: readonly EngineOption[] = Object.values(commonOptions);

const healthSchema = z.object({ status: z.literal('ok'), message: z.string() });
const acceptedSchema = z.object({ identifier: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/) });
const taskSchema = z.object({
  status: z.string(),
  result: z.unknown(),
  error: z.string().nullish().catch(undefined),
});
type Task = z.output<typeof taskSchema>;

/** whisperX-FastAPI (pavelzbornik) 0.6: a job is queued and asked for. Always aligns; no percent, no cancelling. */
export const whisperxFastapi: Dialect = {
  name: 'whisperx-fastapi',
  options,
  isDeafAtWork: false,
  expected: capabilitiesOf,
  probe,
  transcribe,
};

function capabilitiesOf(settings: DialectSettings): EngineCapabilities {
  return whisperCapabilities(settings, {
    ...offeredModels({ ...settings, availableModels: settings.availableModels ?? knownModels }, undefined),
    languages: [...alignableLanguages, ...languageAliases],
    // A request without a language is taken for English.
    languageDetection: false,
    diarization: true,
    // Its translations are aligned as well, with the source language's model, which fails or means nothing.
    translation: false,
  });
}

async function probe(server: ServerClient, settings: DialectSettings, signal: AbortSignal): Promise<ServerProfile> {
  const text = await wellAnswered(await server.send({ method: 'GET', path: 'health', signal }));
  if (!healthSchema.safeParse(parseJson(text)).success) {
    throw new PolyscribeError('engine_unavailable', `What answers at ${server.address} is another server.`);
  }
  return { capabilities: capabilitiesOf(settings), health: { state: 'serving', reason: '' }, traits: new Set() };
}

async function* transcribe(call: DialectCall): AsyncGenerator<EngineEvent, void> {
  const { request, body, model, signal, hold, timeoutMs } = call;
  const { text: hotwords, warnings } = phraseLine(request.phrases);
  for (const warning of warnings) yield { type: 'warning', warning };
  const id = await submit(call, hotwords);
  let isOver = false;
  try {
    const track = new ProgressTrack(body);
    for await (const task of polls(call, id, signal)) {
      isOver = task.status === 'completed' || task.status === 'failed';
      if (task.status === 'failed') throw taskError(task.error ?? '');
      if (isOver) {
        const transcript = readTranscript(task.result, body.ms);
        yield* eventsOf(transcript, { request, model, body }, { confidence: 'score' });
        return;
      }
      yield track.at(task.status === 'queued' ? WAITING_STAGE : 'transcribing');
    }
  } catch (error) {
    // A server that is gone works no more.
    isOver ||= !(error instanceof PolyscribeError && error.code === 'cancelled');
    throw error;
  } finally {
    if (!isOver) hold(untilOver(call, id, AbortSignal.timeout(timeoutMs)));
  }
}

async function submit(call: DialectCall, hotwords: string): Promise<string> {
  const { server, request, model, audio, signal, hold, timeoutMs } = call;
  const { minSpeakers: min, maxSpeakers: max } = request.diarization ?? {};
  const given = Object.entries(typedOptions(request.engineOptions, options));
  const form = multipartForm([], {
    name: 'file',
    filename: 'audio.wav',
    mediaType: 'audio/wav',
    content: audio.wav(),
  });
  const answer = await server.send({
    method: 'POST',
    path: 'speech-to-text',
    query: {
      model,
      language: toWhisperLanguage(request.language ?? 'en'),
      task: request.task,
      beam_size: String(beamSizes[request.profile]),
      ...(hotwords !== '' && { hotwords }),
      ...(min !== undefined && { min_speakers: String(min) }),
      ...(max !== undefined && { max_speakers: String(max) }),
      ...Object.fromEntries(given.map(([key, value]) => [key, String(value)])),
    },
    ...form,
    signal,
    linger: { maxMs: timeoutMs, hold },
  });
  const { data } = acceptedSchema.safeParse(parseJson(await wellAnswered(answer)));
  if (!data)
    throw new PolyscribeError('engine_bad_response', 'The WhisperX server did not name the task that it made.');
  return data.identifier;
}

/** The task as it is, again and again until it is over or the signal aborts. */
async function* polls(call: DialectCall, id: string, signal: AbortSignal): AsyncGenerator<Task, void> {
  let failures = 0;
  for (let waitMs = POLL_FIRST_MS; ; waitMs = Math.min(POLL_MOST_MS, waitMs * 1.5)) {
    try {
      const task = await ask(call, id, signal);
      failures = 0;
      yield task;
      if (task.status === 'completed' || task.status === 'failed') return;
    } catch (error) {
      failures += 1;
      const mayPass = error instanceof PolyscribeError && error.code === 'engine_unavailable';
      if (!mayPass || failures === POLL_TRIES) throw error;
    }
    await delay(Math.round((waitMs * (1 + Math.random())) / 2), undefined, { signal }).catch(() => {
      throw new PolyscribeError('cancelled', 'The call was cancelled.');
    });
  }
}

async function ask({ server, body }: DialectCall, id: string, signal: AbortSignal): Promise<Task> {
  const answer = await server.send({ method: 'GET', path: `task/${id}`, signal });
  const text = await answer.text(answerLimit(body.ms));
  // It keeps its tasks in memory, so this is what a restart leaves.
  if (!answer.isOk) throw statusError(answer, text, { 404: 'engine_unavailable' });
  const { data } = taskSchema.safeParse(parseJson(text));
  if (!data) throw new PolyscribeError('engine_bad_response', 'The WhisperX server did not say how its task is.');
  return data;
}

/** Resolves when the task is over, whatever came of it. */
async function untilOver(call: DialectCall, id: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const { status } of polls(call, id, signal)) if (status === 'completed') return;
  } catch {
    // Gone, or out of time: nothing more is known of it.
  }
}

/** Tasks fail with the words of the library's exceptions. */
const taskErrors: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/out of memory/i, 'engine_unavailable', 'The memory of the GPU is too small for this now.'],
  [/no default align-model/i, 'unsupported_language', 'The WhisperX server cannot align words of this language.'],
  [/invalid model size/i, 'model_not_found', 'The WhisperX server does not have this model.'],
];

function taskError(text: string): PolyscribeError {
  const [, code, message] = taskErrors.find(([pattern]) => pattern.test(text)) ?? [
    undefined,
    'engine_bad_response' as const,
    'The task failed at the WhisperX server; its log has more.',
  ];
  return new PolyscribeError(code, message, { cause: new Error(text.slice(0, 500)) });
}
