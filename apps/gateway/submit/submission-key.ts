import { createHash } from 'node:crypto';
import { PolyscribeError } from '#contracts';

/** As common libraries make them; a UUID has 36 characters. */
const MAX_KEY_LENGTH = 255;
const visible = /^[\x21-\x7e]+$/;
/** A string of RFC 9651, 3.3.3: in quotes, with backslashes before quotes and backslashes. */
const quoted = /^"((?:[^"\\]|\\["\\])*)"$/;

/** The name under which clients send their key, as a header and as gRPC metadata. */
export const KEY_HEADER = 'idempotency-key';

/** Says with an answer that it is that of an earlier submission. */
export const REPLAYED_HEADER = 'idempotency-replayed';

/**
 * The key that a client gave to its submission. Most send it bare, although the draft has it in quotes
 * (draft-ietf-httpapi-idempotency-key-header-07, 2.1): both forms of a key are the same key.
 *
 * @returns undefined where there is none
 * @throws PolyscribeError `invalid_request`
 */
export function readKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const given = typeof header === 'string' ? header.trim() : '';
  const [, inner] = quoted.exec(given) ?? [];
  const key = inner?.replace(/\\(.)/g, '$1') ?? given;
  if (visible.test(key) && key.length <= MAX_KEY_LENGTH && (inner !== undefined || !key.includes('"'))) return key;
  const detail = `must be one key of 1 to ${MAX_KEY_LENGTH} visible ASCII characters, bare or in quotes`;
  throw new PolyscribeError('invalid_request', `Idempotency-Key ${detail}.`, {
    fields: [{ pointer: `/${KEY_HEADER}`, detail }],
  });
}

/** The same for equal JSON values, in whatever order their members stand. */
export function fingerprintOf(payload: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(payload, (_key, value: unknown) => inOrder(value)))
    .digest('hex');
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function otherPayload(): PolyscribeError {
  return new PolyscribeError(
    'idempotency_mismatch',
    'This Idempotency-Key stands for a submission with other options or another recording; take a new key for a new submission.',
    { fields: [{ pointer: `/${KEY_HEADER}`, detail: 'is that of another submission' }] },
  );
}
