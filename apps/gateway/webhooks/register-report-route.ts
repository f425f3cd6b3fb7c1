import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PolyscribeError } from '#contracts';
import type { WebhookEndpointRepository } from '#persistence';
import type { Logger } from '#telemetry';
import { inAnswerTime } from '../answer-time.js';
import { answerProblem } from '../http/problem.filter.js';
import { isUuid } from '../jobs/job-id.js';
import type { RemoteReports } from './remote-reports.service.js';
import { readReportBody } from './report-body.js';
import type { ReportAnswer } from './report.schema.js';
import { refused, signedHead, verifySignature } from './webhook-signature.js';

const REPORT_PATH = '/api/webhooks/transcription';
/** Reports in memory and in work at once. */
const AT_ONCE = 6;

export interface ReportRouteParts {
  readonly endpoints: Pick<WebhookEndpointRepository, 'secrets'>;
  readonly reports: Pick<RemoteReports, 'accept'>;
  readonly logger: Logger;
}

/**
 * Serves the route by which remote workers report. It stands apart from the others because what was signed are the bytes
 * of the body, which are large for JSON; who has no endpoint is refused before a byte of it is read.
 */
export function registerReportRoute(fastify: FastifyInstance, parts: ReportRouteParts): void {
  const door = new Door(parts);
  void fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // Left unread: the route reads it once it knows whose it is.
    scope.addContentTypeParser('*', (_request, _body, next) => {
      next(null);
    });
    const options = { config: { takesQuery: true, takesBody: true } };
    scope.post<{ Querystring: Record<string, unknown> }>(REPORT_PATH, options, async (request, reply) => {
      try {
        await reply.code(200).send(await door.take(request, request.query['endpoint_id']));
      } catch (error) {
        answerProblem(error, request, reply, parts.logger);
      }
      return reply;
    });
    done();
  });
}

class Door {
  private inside = 0;

  constructor(private readonly parts: ReportRouteParts) {}

  async take(request: FastifyRequest, endpointId: unknown): Promise<ReportAnswer> {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      throw new PolyscribeError('unsupported_media', 'A report is JSON; say so in Content-Type.');
    }
    const head = signedHead(request.headers, Date.now());
    if (typeof endpointId !== 'string' || !isUuid(endpointId)) {
      throw refused('endpoint_id is missing; report to the report_url of the offer');
    }
    if (this.inside >= AT_ONCE) {
      throw new PolyscribeError('rate_limited', 'Too many reports at once; send it again.', { retryAfterMs: 1_000 });
    }
    this.inside += 1;
    try {
      const secrets = await inAnswerTime(this.parts.endpoints.secrets(endpointId));
      if (secrets.length === 0) throw refused('there is no such endpoint');
      const body = await readReportBody(request.raw);
      verifySignature(head, body, secrets);
      return await this.parts.reports.accept({ endpointId, messageId: head.id, body });
    } finally {
      this.inside -= 1;
    }
  }
}
