import { z } from 'zod';
import { type EngineHealth, PolyscribeError } from '#contracts';
import type { DialectSettings, ServerProfile } from '../dialect.js';
import type { ServerClient } from '../http/server-client.js';
import { languageAliases, fromWhisperLanguage } from '../languages.js';
import { wellAnswered } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';
import { offeredModels, whisperCapabilities } from './whisper-capabilities.js';

const healthSchema = z.object({
  status: z.literal('ok'),
  service: z.literal('whisperx'),
  device: z.string().catch('cpu'),
  diarization_available: z.boolean().catch(false),
});

const modelsSchema = z.object({
  data: z.array(z.object({ id: z.string(), default: z.boolean().catch(false) })),
  languages: z.object({ transcribe: z.array(z.string()).catch([]) }).catch({ transcribe: [] }),
});

const notReadySchema = z.object({ reason: z.string().max(300).catch(''), draining: z.boolean().catch(false) });

/** `GET /health`, `/ready` and `/v1/models` of our own server. */
export async function probePolyscribe(
  server: ServerClient,
  settings: DialectSettings,
  signal: AbortSignal,
): Promise<ServerProfile> {
  const get = async (path: string) => server.send({ method: 'GET', path, signal });
  const health = healthSchema.safeParse(parseJson(await wellAnswered(await get('health')))).data;
  if (!health) throw new PolyscribeError('engine_unavailable', `What answers at ${server.address} is another server.`);
  const ready = await get('ready');
  const readiness = readinessOf(ready.isOk, await ready.text());
  const told = modelsSchema.safeParse(parseJson(await wellAnswered(await get('v1/models')))).data;
  const languages = (told?.languages.transcribe ?? []).flatMap((code) => fromWhisperLanguage(code) ?? []);
  // The server's own default comes first: it is taken where it does not have the one that we are told to take.
  const ids = (told?.data ?? []).toSorted((a, b) => Number(b.default) - Number(a.default)).map(({ id }) => id);
  return {
    capabilities: whisperCapabilities(settings, {
      ...offeredModels(settings, ids),
      ...(languages.length > 0 && { languages: [...languages, ...languageAliases] }),
      diarization: health.diarization_available,
      maxConcurrency: settings.concurrency ?? 2,
    }),
    health: readiness,
    traits: new Set([health.device === 'cuda' ? 'cuda' : 'cpu']),
  };
}

function readinessOf(isReady: boolean, text: string): EngineHealth {
  if (isReady) return { state: 'serving', reason: '' };
  const { draining, reason } = notReadySchema.safeParse(safeJson(text)).data ?? { draining: false, reason: '' };
  if (draining) return { state: 'draining', reason: 'The WhisperX server is being stopped.' };
  return { state: 'unavailable', reason: reason === '' ? 'The WhisperX server is not ready.' : reason };
}

function safeJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
