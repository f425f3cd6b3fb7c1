import { type ErrorCode, PolyscribeError } from '#contracts';
import type { ServerAnswer } from './http/server-answer.js';

/** What an HTTP status of a Whisper server means where its body does not say more. */
const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  // The operator's key, not the client's: another server or engine may serve.
  401: 'engine_unavailable',
  403: 'engine_unavailable',
  404: 'engine_bad_response',
  408: 'engine_timeout',
  409: 'engine_busy',
  413: 'payload_too_large',
  // The audio is ours and sound: a server that cannot read it is at fault.
  415: 'engine_bad_response',
  422: 'invalid_request',
  424: 'model_not_found',
  429: 'engine_busy',
  500: 'engine_bad_response',
  502: 'engine_unavailable',
  503: 'engine_unavailable',
  504: 'engine_timeout',
};

const sentences: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'refused the request; look at the engine options and the model',
  engine_unavailable: 'cannot serve now',
  engine_bad_response: 'failed and did not say why; its log has more',
  engine_timeout: 'gave up because it took too long',
  engine_busy: 'has no free place',
  payload_too_large: 'takes no audio of this length',
  model_not_found: 'does not have this model',
};

/**
 * The error for an answer that is none. What the server wrote goes into the cause, for the log: it may repeat what it was
 * sent.
 *
 * @param overrides codes that a dialect knows better for some statuses
 */
export function statusError(
  answer: ServerAnswer,
  text: string,
  overrides: Readonly<Record<number, ErrorCode>> = {},
): PolyscribeError {
  const { status, retryAfterMs } = answer;
  const code =
    overrides[status] ?? codeByStatus[status] ?? (status >= 500 ? 'engine_unavailable' : 'engine_bad_response');
  const isKey = status === 401 || status === 403;
  const what = isKey ? 'does not accept the key in WHISPERX_API_KEY' : (sentences[code] ?? 'refused the request');
  return new PolyscribeError(code, `The WhisperX server ${what} (HTTP ${String(status)}).`, {
    cause: new Error(text.slice(0, 500)),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** The body of an answer that went well. @throws PolyscribeError as {@link statusError} */
export async function wellAnswered(answer: ServerAnswer, maxBytes?: number): Promise<string> {
  const text = await answer.text(maxBytes);
  if (!answer.isOk) throw statusError(answer, text);
  return text;
}

/** Most bytes that the answer for so much audio may have: words, their times and tokens are about 1 KiB a second. */
export function answerLimit(audioMs: number): number {
  return 4 * 1024 * 1024 + Math.ceil(audioMs / 1000) * 8 * 1024;
}
