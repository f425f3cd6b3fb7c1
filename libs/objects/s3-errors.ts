import { PolyscribeError, isAbortError, systemErrorCode } from '#contracts';
import { PassingStatusError, S3TimeoutError } from './s3-transport.js';

/** Codes of the S3 API reference ("Error responses"), and those that MinIO adds. */
const unknownKey = new Set(['NoSuchKey', 'NotFound']);
const badRange = new Set(['InvalidRange']);
const refusedCredentials = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
]);
const full = new Set(['XMinioStorageFull', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded']);

/** System errors of a connection that could not be made or was lost: the next one may hold. */
const lostConnection = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
]);

/** What node:tls says of a certificate that it does not believe. */
const distrust = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Whether the same request may succeed if it is sent again at once. */
export function isPassing(error: unknown): boolean {
  if (isAbortError(error)) return false;
  return (
    error instanceof PassingStatusError ||
    error instanceof S3TimeoutError ||
    lostConnection.has(systemErrorCode(error) ?? '') ||
    systemErrorCode(error) === 'SlowDown'
  );
}

/** What a call to S3 threw as the port's error; an abort stays what it is. The original stays in the cause. */
export function asS3Error(error: unknown): unknown {
  if (error instanceof PolyscribeError || isAbortError(error)) return error;
  const code = systemErrorCode(error) ?? '';
  if (unknownKey.has(code)) {
    return new PolyscribeError('not_found', 'There is no such object; it may have been removed.', { cause: error });
  }
  if (badRange.has(code)) {
    return new PolyscribeError('invalid_request', 'The byte range lies outside the object.', { cause: error });
  }
  return new PolyscribeError('dependency_unavailable', `The object store ${complaintFor(error, code)}.`, {
    cause: error,
  });
}

function complaintFor(error: unknown, code: string): string {
  if (error instanceof S3TimeoutError) return 'did not answer in time';
  if (lostConnection.has(code)) return 'cannot be reached';
  if (error instanceof PassingStatusError) return `answered with HTTP status ${String(error.status)}`;
  if (refusedCredentials.has(code)) return 'refuses our credentials';
  if (distrust.has(code)) return `has a certificate that is not trusted (${code})`;
  if (full.has(code)) return 'is full; free some space and try again';
  if (code === 'NoSuchBucket') return 'has lost its bucket';
  // Codes come over the wire: only what looks like one is repeated.
  return /^[A-Za-z_.]{1,64}$/.test(code) ? `answered with ${code}` : 'gave an answer that cannot be understood';
}
