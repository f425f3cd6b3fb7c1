import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LegacyUseCases } from './legacy-use-cases.js';

/** One request at a path of a predecessor. */
export interface LegacyCall {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The id in the path; empty where the path has none. */
  readonly id: string;
  readonly use: LegacyUseCases;
}

/** A path that clients of a predecessor know, and what it does here. */
export interface LegacyRoute {
  readonly methods: readonly ('GET' | 'POST' | 'DELETE')[];
  /** As Fastify writes it; the only parameter is `:id`. */
  readonly path: string;
  /** For the API document. */
  readonly summary: string;
  /** Whether it only reads and so has the deadline of an answer. */
  readonly reads?: boolean;
  /** Whether it makes a job, once for each `Idempotency-Key`. */
  readonly submits?: boolean;
  /** Gives the body of the answer; undefined when the answer is sent or has no body. */
  handle(call: LegacyCall): Promise<unknown>;
}
