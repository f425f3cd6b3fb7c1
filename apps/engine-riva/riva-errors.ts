import { type ErrorCode, PolyscribeError, isAbortError } from '#contracts';
import { ClientError, Status } from 'nice-grpc';

/** What went wrong in a call to Riva. */
export interface RivaFailure {
  readonly kind: FailureKind;
  readonly error: PolyscribeError;
  /** How often in a row the same call is tried again by the adapter itself, with a new stream; 0 gives up at once. */
  readonly retries: number;
}

interface Row {
  readonly code: ErrorCode;
  readonly retries: number;
  /** For clients. Riva's own words stay in the cause: they may repeat what was sent, phrases for example. */
  readonly message: string;
}

/** The one table of what Riva's failures mean. What the code entails for the worker stands in the mesh's error table. */
const rows = {
  unavailable_model: row('model_not_found', 0, 'has no model for this language and type of call'),
  header_mismatch: row('engine_bad_response', 0, 'takes the audio for another format than it is'),
  stream_expired: row('engine_unavailable', 3, 'lost the stream because it was idle'),
  bad_request: row('invalid_request', 0, 'refused the request; check engine_options, language and model'),
  closed_early: row('engine_bad_response', 0, 'did not get the configuration of the stream'),
  no_speech_recognition: row('engine_bad_response', 0, 'has no speech recognition, or is too old for this call'),
  message_too_large: row('payload_too_large', 0, 'takes no message of that size; see RIVA_MAX_MESSAGE_SIZE'),
  busy: row('engine_busy', 5, 'has no free place or limits the rate of calls'),
  unreachable: row('engine_unavailable', 7, 'cannot be reached'),
  broken_off: row('engine_unavailable', 3, 'broke off the call'),
  inference: row('engine_bad_response', 2, 'failed inside while it recognised speech'),
  late: row('engine_timeout', 1, 'did not answer in time; see RIVA_TIMEOUT'),
  credentials: row('engine_unavailable', 0, 'refuses our credentials; check RIVA_API_KEY and the certificates'),
  no_function: row('engine_unavailable', 0, 'knows no such function for this account; check RIVA_FUNCTION_ID'),
  unknown: row('engine_bad_response', 0, 'gave an answer that makes no sense'),
} as const satisfies Record<string, Row>;

export type FailureKind = keyof typeof rows;

function row(code: ErrorCode, retries: number, message: string): Row {
  return { code, retries, message };
}

/** What the status alone means, where the text tells nothing more. */
const byStatus: Readonly<Partial<Record<Status, FailureKind>>> = {
  [Status.INVALID_ARGUMENT]: 'bad_request',
  [Status.OUT_OF_RANGE]: 'bad_request',
  [Status.FAILED_PRECONDITION]: 'closed_early',
  [Status.UNIMPLEMENTED]: 'no_speech_recognition',
  [Status.RESOURCE_EXHAUSTED]: 'busy',
  [Status.UNAVAILABLE]: 'unreachable',
  // The caller did not cancel, so a proxy or the server did.
  [Status.CANCELLED]: 'broken_off',
  [Status.ABORTED]: 'broken_off',
  [Status.INTERNAL]: 'inference',
  [Status.UNKNOWN]: 'inference',
  [Status.DEADLINE_EXCEEDED]: 'late',
  [Status.UNAUTHENTICATED]: 'credentials',
  [Status.PERMISSION_DENIED]: 'credentials',
  [Status.NOT_FOUND]: 'no_function',
};

/** Texts that say more than their status, as servers, proxies and gRPC libraries write them. */
const byText: readonly (readonly [Status, RegExp, FailureKind])[] = [
  [Status.INVALID_ARGUMENT, /unavailable model/i, 'unavailable_model'],
  [Status.INVALID_ARGUMENT, /config format doesn't match/i, 'header_mismatch'],
  [Status.INVALID_ARGUMENT, /must specify the START flag/i, 'stream_expired'],
  [Status.RESOURCE_EXHAUSTED, /message larger than/i, 'message_too_large'],
  [Status.INTERNAL, /RST_STREAM|stream terminated/i, 'broken_off'],
];

/** Whatever a call to Riva threw, by the table. */
export function rivaFailure(thrown: unknown, backend: string): RivaFailure {
  const kind = kindOf(thrown);
  return failureOf(kind, backend, thrown);
}

export function failureOf(kind: FailureKind, backend: string, cause?: unknown): RivaFailure {
  const { code, retries, message } = rows[kind];
  const options = { cause, ...(code === 'engine_busy' && { retryAfterMs: 5_000 }) };
  return { kind, retries, error: new PolyscribeError(code, `Riva at ${backend} ${message}.`, options) };
}

function kindOf(thrown: unknown): FailureKind {
  if (thrown instanceof ClientError) {
    const { code, details } = thrown;
    const special = byText.find(([status, text]) => status === code && text.test(details));
    return special?.[2] ?? byStatus[code] ?? 'unknown';
  }
  return isAbortError(thrown) ? 'broken_off' : 'unknown';
}
