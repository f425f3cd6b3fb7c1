import { z } from 'zod';
import { PolyscribeError } from '#contracts';
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

const notReadySchema = z.object({ reasons: z.array(z.string()).max(20) });

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
  const readiness = await ready.text();
  // Before its first worker is up it does not know its models either.
  if (!ready.isOk) throw notReady(readiness);
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
    health: { state: 'serving', reason: '' },
    traits: new Set([health.device === 'cuda' ? 'cuda' : 'cpu']),
  };
}

/** What the server's words for its troubles mean. */
const troubles: Readonly<Record<string, string>> = {
  draining: 'it is being stopped',
  worker_starting: 'its GPU process is starting',
  worker_does_not_start: 'its GPU process does not start',
  preloading: 'it loads its models',
  preload_failed: 'a model that it is to load first could not be loaded',
};

function notReady(text: string): PolyscribeError {
  const { reasons } = notReadySchema.safeParse(safeJson(text)).data ?? { reasons: [] };
  const known = reasons.flatMap((reason) => troubles[reason] ?? []);
  const why = known.length === 0 ? '' : `: ${known.join(', ')}`;
  return new PolyscribeError('engine_unavailable', `The WhisperX server is not ready${why}.`);
}

function safeJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
