import { randomUUID } from 'node:crypto';
import { Metadata } from 'nice-grpc';

/** Metadata key under which the id of a request travels from process to process. */
export const REQUEST_ID_KEY = 'x-request-id';

/** What a server adds to the context of each call. */
export interface RequestIdContext {
  /** The caller's id, or a new one where it sent none or an unusable one. */
  readonly requestId: string;
}

/** Printable, without spaces and short: an id goes into logs, where anything else could forge a line. */
const usableId = /^[\w.:-]{1,128}$/;

export function requestIdFrom(value: string | undefined): string {
  return value !== undefined && usableId.test(value) ? value : randomUUID();
}

/** Call metadata that carries a request id. */
export function requestIdMetadata(requestId: string): Metadata {
  return new Metadata().set(REQUEST_ID_KEY, requestIdFrom(requestId));
}
