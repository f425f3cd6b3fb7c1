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
import { refused, type SignedHead, signedHead, verifySignature } from './webhook-signature.js';

const REPORT_PATH = '/api/webhooks/transcription';
/** Reports in memory and in work at once. */
const AT_ONCE = 6;
/** A body that has not come after that long makes room for another report: only its end tells whose it is. */
const SAFE_MS = 2_000;

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

/** A report whose body is on its way. */
interface Coming {
  readonly sinceMs: number;
  readonly crowdedOut: AbortController;
}

class Door {
  private inside = 0;
  /** Oldest first. Whoever knows an endpoint could take all places and send nothing. */
  private readonly coming = new Set<Coming>();

  constructor(private readonly parts: ReportRouteParts) {}

  async take(request: FastifyRequest, endpointId: unknown): Promise<ReportAnswer> {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      throw new PolyscribeError('unsupported_media', 'A report is JSON; say so in Content-Type.');
    }
    const head = signedHead(request.headers, Date.now());
    if (typeof endpointId !== 'string' || !isUuid(endpointId)) {
      throw refused('endpoint_id is missing; report to the report_url of the offer');
    }
    this.makeRoom();
    this.inside += 1;
    try {
      const body = await this.signedBody(request, endpointId, head);
      return await this.parts.reports.accept({ endpointId, messageId: head.id, body });
    } finally {
      this.inside -= 1;
    }
  }

  private makeRoom(): void {
    if (this.inside < AT_ONCE) return;
    const [oldest] = this.coming;
    if (oldest && performance.now() - oldest.sinceMs > SAFE_MS) {
      this.coming.delete(oldest);
      oldest.crowdedOut.abort();
      return;
    }
    throw new PolyscribeError('rate_limited', 'Too many reports at once; send it again.', { retryAfterMs: 1_000 });
  }

  private async signedBody(request: FastifyRequest, endpointId: string, head: SignedHead): Promise<Buffer> {
    const coming = { sinceMs: performance.now(), crowdedOut: new AbortController() };
    this.coming.add(coming);
    try {
      const secrets = await inAnswerTime(this.parts.endpoints.secrets(endpointId));
      if (secrets.length === 0) throw refused('there is no such endpoint');
      const body = await readReportBody(request.raw, coming.crowdedOut.signal);
      verifySignature(head, body, secrets);
      return body;
    } finally {
      this.coming.delete(coming);
    }
  }
}
