import type { FastifyRequest } from 'fastify';
import { type FieldError, PolyscribeError } from '#contracts';
import { invalid } from '../submit/field-errors.js';
import { KEY_HEADER } from '../submit/submission-key.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route reads `Idempotency-Key`. */
    takesKey?: boolean;
    /** Whether the route has parameters, or does not mind any. It judges them itself. */
    takesQuery?: boolean;
    /** Whether the route reads a body. It judges it itself. */
    takesBody?: boolean;
  }
}

/**
 * Refuses what comes with the head of a request and the route would not look at: a client that sends it relies on it.
 *
 * @throws PolyscribeError `invalid_request`
 */
export function refuseIdleHead(request: FastifyRequest): void {
  const { takesKey, takesQuery } = request.routeOptions.config;
  if (request.headers[KEY_HEADER] !== undefined && takesKey !== true) {
    const fields = [{ pointer: `/${KEY_HEADER}`, detail: 'is not read by this route; leave the header out' }];
    throw new PolyscribeError('invalid_request', 'Idempotency-Key is offered for submissions only.', { fields });
  }
  if (request.routeOptions.url === undefined || takesQuery === true) return;
  const names = Object.keys(request.query ?? {});
  const fault = faultOf(names, 'is not a parameter of this route, which takes none; leave it out');
  if (fault) throw fault;
}

/**
 * What is wrong with a body that the route would not look at. One without fields is no matter: some clients always send
 * one.
 */
export function idleBodyFault({ body, routeOptions }: FastifyRequest): PolyscribeError | undefined {
  if (routeOptions.url === undefined || routeOptions.config.takesBody === true) return undefined;
  return faultOf(namesIn(body), 'is not a field of this request, which takes none; leave it out');
}

function namesIn(body: unknown): string[] {
  if (body instanceof URLSearchParams) return [...body.keys()];
  return typeof body === 'object' && body !== null ? Object.keys(body) : [];
}

function faultOf(names: readonly string[], detail: string): PolyscribeError | undefined {
  const fields = names.map((name): FieldError => ({ pointer: `/${name.slice(0, 100)}`, detail }));
  return fields.length > 0 ? invalid(fields) : undefined;
}
