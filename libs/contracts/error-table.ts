/**
 * The one table of what can go wrong. Everything else about an error (HTTP status, gRPC code, whether to retry, whom to
 * blame) follows from its code here and is never decided where the error is thrown.
 */

/** How a failed call or job may be tried again. */
export type RetryPolicy =
  /** Trying again gives the same error. */
  | 'never'
  /** The same request may succeed after a while. */
  | 'later'
  /** Another engine may succeed; try one, once. */
  | 'other-engine-once'
  /** Another engine may succeed now, and any engine later. */
  | 'other-engine-then-later'
  /** Not by itself: it may succeed once somebody has changed something, such as a limit or the load. */
  | 'by-hand'
  /** The job queue's attempts decide. */
  | 'queue';

export interface ErrorRow {
  /** RFC 9110 status (499 is the usual "client closed request"). */
  readonly httpStatus: number;
  /** Name in google.rpc.Code. */
  readonly grpcStatus:
    | 'INVALID_ARGUMENT'
    | 'UNAUTHENTICATED'
    | 'PERMISSION_DENIED'
    | 'NOT_FOUND'
    | 'FAILED_PRECONDITION'
    | 'RESOURCE_EXHAUSTED'
    | 'CANCELLED'
    | 'INTERNAL'
    | 'UNAVAILABLE'
    | 'DEADLINE_EXCEEDED';
  readonly retry: RetryPolicy;
  /** Whether the engine instance that raised it is to blame: counts against its health. */
  readonly engineFault: boolean;
  /** Short title for people, RFC 9457 `title`. */
  readonly title: string;
}

function row(
  httpStatus: number,
  grpcStatus: ErrorRow['grpcStatus'],
  retry: RetryPolicy,
  engineFault: boolean,
  title: string,
): ErrorRow {
  return { httpStatus, grpcStatus, retry, engineFault, title };
}

export const errorTable = {
  invalid_request: row(400, 'INVALID_ARGUMENT', 'never', false, 'Invalid request'),
  unsupported_feature: row(400, 'INVALID_ARGUMENT', 'never', false, 'Feature not supported'),
  unsupported_language: row(400, 'INVALID_ARGUMENT', 'never', false, 'Language not supported'),
  unknown_engine: row(400, 'INVALID_ARGUMENT', 'never', false, 'Unknown engine'),
  unauthorized: row(401, 'UNAUTHENTICATED', 'never', false, 'Not authenticated'),
  forbidden: row(403, 'PERMISSION_DENIED', 'never', false, 'Not allowed'),
  not_found: row(404, 'NOT_FOUND', 'never', false, 'Not found'),
  job_not_found: row(404, 'NOT_FOUND', 'never', false, 'Job not found'),
  transcript_not_found: row(404, 'NOT_FOUND', 'never', false, 'Transcript not found'),
  context_not_found: row(404, 'NOT_FOUND', 'never', false, 'Context not found'),
  upload_not_found: row(404, 'NOT_FOUND', 'never', false, 'Upload not found'),
  model_not_found: row(404, 'NOT_FOUND', 'never', false, 'Model not found'),
  job_not_completed: row(409, 'FAILED_PRECONDITION', 'never', false, 'Job not completed'),
  job_state_conflict: row(409, 'FAILED_PRECONDITION', 'never', false, 'Job state does not allow this'),
  upload_conflict: row(409, 'FAILED_PRECONDITION', 'never', false, 'Upload state does not allow this'),
  precondition_failed: row(412, 'FAILED_PRECONDITION', 'never', false, 'Changed by somebody else'),
  unsupported_version: row(412, 'FAILED_PRECONDITION', 'never', false, 'Protocol version not supported'),
  payload_too_large: row(413, 'RESOURCE_EXHAUSTED', 'never', false, 'Payload too large'),
  unsupported_media: row(415, 'INVALID_ARGUMENT', 'never', false, 'Unsupported media'),
  range_not_satisfiable: row(416, 'INVALID_ARGUMENT', 'never', false, 'Range not satisfiable'),
  idempotency_mismatch: row(422, 'INVALID_ARGUMENT', 'never', false, 'Idempotency key used for another request'),
  url_not_allowed: row(422, 'INVALID_ARGUMENT', 'never', false, 'URL not allowed'),
  upload_locked: row(423, 'FAILED_PRECONDITION', 'later', false, 'Upload in use by another request'),
  rate_limited: row(429, 'RESOURCE_EXHAUSTED', 'later', false, 'Too many requests'),
  engine_busy: row(429, 'RESOURCE_EXHAUSTED', 'later', false, 'Engine busy'),
  cancelled: row(499, 'CANCELLED', 'never', false, 'Cancelled'),
  engine_bad_response: row(502, 'INTERNAL', 'other-engine-once', true, 'Engine gave a bad response'),
  no_engine: row(503, 'UNAVAILABLE', 'other-engine-then-later', false, 'No engine available'),
  engine_unavailable: row(503, 'UNAVAILABLE', 'other-engine-then-later', true, 'Engine unavailable'),
  dependency_unavailable: row(503, 'UNAVAILABLE', 'other-engine-then-later', false, 'Dependency unavailable'),
  engine_timeout: row(504, 'DEADLINE_EXCEEDED', 'other-engine-once', true, 'Engine timed out'),
  media_timeout: row(504, 'DEADLINE_EXCEEDED', 'by-hand', false, 'Decoding took too long'),
  internal: row(500, 'INTERNAL', 'queue', false, 'Internal error'),
} as const satisfies Record<string, ErrorRow>;

/** What went wrong, as clients see it in `code`. */
export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(errorTable, value);
}
