import { type ErrorCode, PolyscribeError, type TranscriptWarning } from '#contracts';
import type { ServerAnswer } from '../http/server-answer.js';
import { statusError } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';
import { type ServerError, errorOf } from './polyscribe-events.js';

/** What the server's codes are in the mesh, and what to say about them. */
const meanings: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  INVALID_REQUEST: ['invalid_request', 'The WhisperX server refused the options.'],
  UNAUTHORIZED: ['engine_unavailable', 'The WhisperX server does not accept the key in WHISPERX_API_KEY.'],
  PAYLOAD_TOO_LARGE: ['payload_too_large', 'The audio is larger than the WhisperX server takes.'],
  AUDIO_TOO_LONG: ['payload_too_large', 'The audio is longer than the WhisperX server takes.'],
  UNSUPPORTED_MEDIA_TYPE: ['engine_bad_response', 'The WhisperX server does not know raw PCM; it is another version.'],
  AUDIO_DECODE_FAILED: ['engine_bad_response', 'The WhisperX server could not read sound audio.'],
  MODEL_NOT_FOUND: ['model_not_found', 'The WhisperX server does not have this model.'],
  MODEL_GATED: ['model_not_found', 'The terms of this model are not accepted: its operator must, and set HF_TOKEN.'],
  MODEL_LOAD_FAILED: ['engine_unavailable', 'The WhisperX server could not load the model.'],
  QUEUE_FULL: ['engine_busy', 'The queue of the WhisperX server is full.'],
  GPU_OOM: ['engine_unavailable', 'The memory of the GPU is too small for this now.'],
  WORKER_CRASHED: ['engine_unavailable', 'The GPU process of the WhisperX server died.'],
  DRAINING: ['engine_unavailable', 'The WhisperX server is being stopped.'],
  CANCELLED: ['engine_unavailable', 'The WhisperX server cancelled the work by itself.'],
  TIMEOUT: ['engine_timeout', 'The WhisperX server gave up because it took too long.'],
  LANGUAGE_UNSUPPORTED: ['unsupported_language', 'The WhisperX server does not know this language.'],
  DIARIZATION_UNAVAILABLE: ['unsupported_feature', 'The WhisperX server cannot tell speakers apart.'],
  INTERNAL: ['engine_bad_response', 'Something went wrong inside the WhisperX server; its log has more.'],
};

/** Codes that say what is wrong with the request: its sender needs the server's own words to put it right. */
const telling: ReadonlySet<string> = new Set(['INVALID_REQUEST', 'MODEL_NOT_FOUND', 'MODEL_GATED']);

/** The error that the server sent as its last event. Other words of its own go into the cause, for the log. */
export function eventError({ code, message, details, retry_after_s: seconds }: ServerError): PolyscribeError {
  const [ours, sentence] = meanings[code] ?? (['engine_bad_response', 'The WhisperX server failed.'] as const);
  const told = [message, ...details.map((detail) => `${detail.field}: ${detail.message}.`)].join(' ').trim();
  const words = telling.has(code) && told !== '' ? ` ${told.slice(0, 500)}` : '';
  return new PolyscribeError(ours, sentence + words, {
    cause: new Error(`${code}: ${message.slice(0, 500)}`),
    ...(seconds !== undefined && { retryAfterMs: seconds * 1000 }),
  });
}

/** The error for an answer that is none. */
export function answerError(answer: ServerAnswer, text: string): PolyscribeError {
  const error = bodyError(text);
  if (!error) return statusError(answer, text);
  const { retryAfterMs } = answer;
  const seconds = error.retry_after_s ?? (retryAfterMs === undefined ? undefined : retryAfterMs / 1000);
  return eventError({ ...error, retry_after_s: seconds });
}

function bodyError(text: string): ServerError | undefined {
  try {
    return errorOf(parseJson(text));
  } catch {
    // A proxy in between answers in HTML.
    return undefined;
  }
}

/** The server's warning with its code in our spelling, `align_partial` for `ALIGN_PARTIAL`. */
export function warningOf({ code, message }: { readonly code: string; readonly message: string }): TranscriptWarning {
  return { code: code.toLowerCase(), message: message.slice(0, 500) };
}
