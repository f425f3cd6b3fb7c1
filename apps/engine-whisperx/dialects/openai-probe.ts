import { z } from 'zod';
import { type EngineCapabilities, PolyscribeError } from '#contracts';
import type { DialectSettings, ServerProfile } from '../dialect.js';
import type { ServerClient } from '../http/server-client.js';
import { statusError } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';
import { openApiOf, type ServerDocument } from './open-api.js';
import { offeredModels, whisperCapabilities } from './whisper-capabilities.js';

const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string().max(300), task: z.string().optional().catch(undefined) })).max(5_000),
});

/** Tells the servers of OpenAI's shape apart and asks for their models. */
export async function probeOpenAi(
  server: ServerClient,
  settings: DialectSettings,
  signal: AbortSignal,
): Promise<ServerProfile> {
  const traits = await traitsOf(server, signal);
  const models = await modelsOf(server, signal);
  return {
    capabilities: openAiCapabilities(settings, traits, models),
    health: { state: 'serving', reason: '' },
    traits,
  };
}

export function openAiCapabilities(
  settings: DialectSettings,
  traits: ReadonlySet<string>,
  models: readonly string[] | undefined,
): EngineCapabilities {
  const isWhisperx = traits.has('whisperx-api-server');
  return whisperCapabilities(settings, {
    ...offeredModels(settings, settings.availableModels ?? models),
    diarization: isWhisperx || traits.has('diarization'),
    // speaches has them up to 0.8.
    confidence: isWhisperx || traits.has('speaches-0.8'),
    maxConcurrency: settings.concurrency ?? 2,
  });
}

async function traitsOf(server: ServerClient, signal: AbortSignal): Promise<Set<string>> {
  const health = await textOf(server, 'health', signal);
  if (health === 'OK') return new Set(['speaches-0.8']);
  if (health?.includes('"OK"') === true) {
    const document = await documentOf(server, signal);
    return new Set(['speaches', ...(document?.paths.has('/v1/audio/diarization') === true ? ['diarization'] : [])]);
  }
  const check = await textOf(server, 'healthcheck', signal);
  return new Set(check?.includes('"healthy"') === true ? ['whisperx-api-server'] : []);
}

/** The body of a route; undefined when there is no such route. @throws PolyscribeError when nobody answers */
async function textOf(server: ServerClient, path: string, signal: AbortSignal): Promise<string | undefined> {
  const answer = await server.send({ method: 'GET', path, signal });
  const text = (await answer.text()).trim();
  if (answer.isOk) return text;
  if (answer.status === 401 || answer.status === 403) throw statusError(answer, text);
  return undefined;
}

async function documentOf(server: ServerClient, signal: AbortSignal): Promise<ServerDocument | undefined> {
  try {
    return await openApiOf(server, signal);
  } catch (error) {
    if (error instanceof PolyscribeError && error.code === 'cancelled') throw error;
    return undefined;
  }
}

/** The names of the models that write speech down; undefined when the server does not tell. */
async function modelsOf(server: ServerClient, signal: AbortSignal): Promise<string[] | undefined> {
  const text = await textOf(server, 'v1/models', signal);
  if (text === undefined) return undefined;
  const { data } = modelsSchema.safeParse(parseJson(text));
  const task = 'automatic-speech-recognition';
  return data?.data.filter((model) => (model.task ?? task) === task).map(({ id }) => id);
}
