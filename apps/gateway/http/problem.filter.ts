import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, PolyscribeError } from '#contracts';
import type { Logger } from '#telemetry';
import { LOGGER } from '../tokens.js';
import { sendProblem } from './problem.js';

/** Makes a problem document of whatever a route threw. What we do not know is logged and leaks nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    answerProblem(thrown, request, reply, this.logger);
  }
}

export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const error = asPolyscribeError(thrown, request);
  if (error.code === 'internal') {
    logger.error({ err: thrown, requestId: request.id, route: request.routeOptions.url }, 'a request failed');
  }
  sendProblem(request, reply, error);
}

const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  404: 'not_found',
  408: 'invalid_request',
  413: 'payload_too_large',
  415: 'unsupported_media',
};

const detailByCode: Partial<Record<ErrorCode, string>> = {
  not_found: 'There is no such route; GET /openapi.json lists those that there are.',
  payload_too_large: 'The body of the request is larger than this route takes.',
  unsupported_media: 'This route does not take bodies of that type; GET /openapi.json says which it takes.',
};

/** The framework's own refusals (no such route, malformed JSON, a body that is too large) by their status. */
function asPolyscribeError(thrown: unknown, request: FastifyRequest): PolyscribeError {
  if (thrown instanceof PolyscribeError) return thrown;
  const status = statusOf(thrown);
  if (status === undefined || status >= 500 || status < 400) return PolyscribeError.from(thrown);
  const code = codeByStatus[status] ?? 'invalid_request';
  const fallback = `The server cannot read this ${request.method} request; check its syntax against GET /openapi.json.`;
  return new PolyscribeError(code, detailByCode[code] ?? fallback, { cause: thrown });
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number') {
    return thrown.statusCode;
  }
  return undefined;
}
