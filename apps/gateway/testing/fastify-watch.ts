import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance } from 'fastify';

const CHANNEL = 'fastify.initialization';

/**
 * Shows every HTTP server that is made until `stop` is called, before it has any route: by the channel on which Fastify
 * tells of itself, so that no product code is there for tests alone.
 */
export function watchFastify(seen: (fastify: FastifyInstance) => void): { stop: () => void } {
  const listener = (message: unknown): void => {
    seen((message as { fastify: FastifyInstance }).fastify);
  };
  subscribe(CHANNEL, listener);
  return { stop: () => unsubscribe(CHANNEL, listener) };
}
