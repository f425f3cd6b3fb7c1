import type { FastifyInstance } from 'fastify';
import type { Logger } from '#telemetry';
import type { GatewayMetrics } from './metrics.service.js';
import { wasAnswered } from './problem.js';

/**
 * One line and one observation for each request, also for one that the client broke off. The line has the route and not
 * the path: queries hold signatures and paths hold ids that are nobody's business in a log.
 */
export function logRequests(fastify: FastifyInstance, logger: Logger, metrics: GatewayMetrics): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now();
    reply.raw.once('close', () => {
      const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
      const seconds = (performance.now() - startedAt) / 1000;
      const status = wasAnswered(reply.raw) ? reply.raw.statusCode : 499;
      metrics.observeRequest(request.method, route, status, seconds);
      logger[isPolled(route) ? 'debug' : 'info'](
        { method: request.method, route, status, ms: Math.round(seconds * 1000), requestId: request.id },
        'request',
      );
    });
    done();
  });
}

/** Asked every few seconds by machines: such lines would bury the others. */
function isPolled(route: string): boolean {
  return route.startsWith('/health') || route === '/metrics';
}
