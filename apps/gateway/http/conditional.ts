import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Kept by whoever read it, and asked about before each use: a transcript can be erased at any time. */
export const REVALIDATED = 'private, no-cache';

/** A strong tag (RFC 9110, 8.8.3) of what these parts say: equal parts, equal tag. */
export function entityTag(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return `"${hash.digest('base64url').slice(0, 27)}"`;
}

/** Whether an `If-None-Match` header names what the client would be given: then it has it already. */
export function isKnown(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  // A cache may have made the tag a weak one.
  return ifNoneMatch.split(',').some((given) => given.trim().replace(/^W\//, '') === tag);
}

/**
 * Whether the range of a request still applies (RFC 9110, 13.1.5): only to the very object that the client has the
 * beginning of.
 */
export function isSameObject(ifRange: string | undefined, tag: string, modifiedAt: Date): boolean {
  return ifRange === undefined || ifRange === tag || ifRange === modifiedAt.toUTCString();
}

/** A finished body with its tag; undefined, and 304, for a client that has it. */
export function finished(request: FastifyRequest, reply: FastifyReply, body: Buffer): Buffer | undefined {
  const tag = entityTag(body);
  reply.headers({ etag: tag, 'cache-control': REVALIDATED });
  if (!isKnown(request.headers['if-none-match'], tag)) return body;
  reply.code(304);
  return undefined;
}
