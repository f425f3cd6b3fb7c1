import type { FastifyInstance } from 'fastify';
import type { Logger } from '#telemetry';
import { answerProblem } from '../http/problem.filter.js';
import { inAnswerTime } from '../answer-time.js';
import { legacyRoutes } from './legacy-routes.js';
import type { LegacyUseCases } from './legacy-use-cases.js';

/** Serves them beside our own. */
export function registerLegacyRoutes(fastify: FastifyInstance, use: LegacyUseCases, logger: Logger): void {
  for (const route of legacyRoutes) {
    fastify.route<{ Params: { id?: string } }>({
      method: [...route.methods],
      url: route.path,
      // What a predecessor read and we do not is no reason to turn its clients away.
      config: { takesKey: route.submits ?? false, takesQuery: true, takesBody: true },
      handler: async (request, reply) => {
        try {
          const handled = route.handle({ request, reply, id: request.params.id ?? '', use });
          const body = await (route.reads ? inAnswerTime(handled) : handled);
          if (!reply.sent) void reply.send(body);
        } catch (error) {
          answerProblem(error, request, reply, logger);
        }
        return reply;
      },
    });
  }
}
