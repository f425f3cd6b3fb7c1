import { z } from 'zod';
import { PolyscribeError } from '#contracts';
import type { Dialect } from './dialect.js';
import { dialects } from './dialects/index.js';
import { openApiOf } from './dialects/open-api.js';
import type { ServerClient } from './http/server-client.js';
import { statusError } from './server-errors.js';

const healthSchema = z.object({
  status: z.string().optional(),
  service: z.string().optional(),
  message: z.string().optional(),
});

/** Titles of the servers' OpenAPI documents. */
const titles: Readonly<Record<string, Dialect>> = {
  'Whisper Asr Webservice': dialects['asr-webservice'],
  Speaches: dialects.openai,
  'WhisperX ASR API': dialects.openai,
  'whisperX REST service': dialects['whisperx-fastapi'],
};

/**
 * Finds out which kind of server answers.
 *
 * @throws PolyscribeError `engine_unavailable` when nobody answers, when the key is wrong, or when it is none that we know
 */
export async function detectDialect(server: ServerClient, signal: AbortSignal): Promise<Dialect> {
  const health = await get(server, 'health', signal);
  const known = health === undefined ? undefined : byHealth(health);
  if (known) return known;
  const title = await titleOf(server, signal);
  const named = title === undefined ? undefined : titles[title];
  if (named) return named;
  if ((await get(server, 'v1/models', signal)) !== undefined) return dialects.openai;
  throw new PolyscribeError(
    'engine_unavailable',
    `What kind of server answers at ${server.address} is not clear; set WHISPERX_DIALECT.`,
  );
}

function byHealth(text: string): Dialect | undefined {
  if (text.trim() === 'OK') return dialects.openai;
  const { status, service, message } = healthSchema.safeParse(jsonOf(text)).data ?? {};
  if (status === 'ok' && service === 'whisperx') return dialects.polyscribe;
  if (status === 'ok' && message !== undefined) return dialects['whisperx-fastapi'];
  return message === 'OK' ? dialects.openai : undefined;
}

async function get(server: ServerClient, path: string, signal: AbortSignal): Promise<string | undefined> {
  const answer = await server.send({ method: 'GET', path, signal });
  const text = await answer.text();
  if (answer.status === 401 || answer.status === 403) throw statusError(answer, text);
  return answer.isOk ? text : undefined;
}

async function titleOf(server: ServerClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await openApiOf(server, signal)).title;
  } catch (error) {
    // No such document is an answer too; that nobody is there is none.
    if (error instanceof PolyscribeError && error.code === 'engine_bad_response') return undefined;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
