import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { PolyscribeError } from '#contracts';

/** How far a message's clock may be from ours: what the libraries of Standard Webhooks take. */
const TOLERANCE_S = 300;
const MAX_ID_LENGTH = 256;
/** One for each secret while secrets are replaced, and some to spare. */
const MAX_SIGNATURES = 8;

/** The three headers of Standard Webhooks 1.0.0. */
export interface SignedHead {
  /** The same on every try to deliver the message. */
  readonly id: string;
  /** Unix seconds of the try, as they stand in the header: they are signed so. */
  readonly timestamp: string;
  readonly signatures: readonly Buffer[];
}

/**
 * What the headers say, so that a message that cannot be right is refused before its body is read.
 *
 * @throws PolyscribeError `unauthorized` when one is missing or malformed, or the message is too old or from the future
 */
export function signedHead(headers: IncomingHttpHeaders, nowMs: number): SignedHead {
  const id = one(headers, 'webhook-id');
  const timestamp = one(headers, 'webhook-timestamp');
  if (id.length > MAX_ID_LENGTH || id.includes('.')) throw refused('webhook-id is too long or has a point in it');
  if (!/^\d{1,12}$/.test(timestamp)) throw refused('webhook-timestamp must be Unix seconds');
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > TOLERANCE_S) {
    throw refused(`webhook-timestamp is more than ${String(TOLERANCE_S)} s from our time`);
  }
  const signatures = one(headers, 'webhook-signature')
    .split(' ', MAX_SIGNATURES)
    .flatMap((entry) => (entry.startsWith('v1,') ? [Buffer.from(entry.slice(3), 'base64')] : []));
  return { id, timestamp, signatures };
}

/** @throws PolyscribeError `unauthorized` unless one of the secrets made one of the signatures */
export function verifySignature(
  { id, timestamp, signatures }: SignedHead,
  body: Buffer,
  secrets: readonly string[],
): void {
  const right = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  });
  const matches = signatures.some((given) =>
    right.some((expected) => given.length === expected.length && timingSafeEqual(given, expected)),
  );
  if (!matches) throw refused('webhook-signature is not one that the secret of the endpoint makes for this body');
}

/** @param why without the full stop */
export function refused(why: string): PolyscribeError {
  return new PolyscribeError('unauthorized', `The message cannot be trusted: ${why}.`);
}

function one(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (typeof value !== 'string' || value === '') throw refused(`${name} is missing`);
  return value;
}
