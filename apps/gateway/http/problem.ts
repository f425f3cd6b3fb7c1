import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PolyscribeError } from '#contracts';

/** RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  request_id: string;
  retryable: boolean;
  errors?: readonly { pointer: string; detail: string }[];
  [fact: string]: unknown;
}

/** Where an error tells no time itself, that is when a client may try again. */
const DEFAULT_RETRY_AFTER_MS = 5_000;

/** How long a refused upload is read on, as nginx does: in all, and without a byte. */
const LINGER_MS = 30_000;
const LINGER_IDLE_MS = 5_000;

export function problemOf(error: PolyscribeError, requestId: string): Problem {
  return {
    ...error.facts,
    type: `urn:polyscribe:error:${error.code}`,
    title: error.row.title,
    status: error.row.httpStatus,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    retryable: error.retryable,
    ...(error.fields.length === 0 ? {} : { errors: error.fields }),
  };
}

/** Answers with the problem. A request whose body is still on its way is read on for a while: see `lingering`. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: PolyscribeError): void {
  if (reply.raw.destroyed) {
    // The client went away: there is nobody to answer.
    reply.hijack();
    return;
  }
  if (reply.sent || reply.raw.headersSent) {
    // Half an answer is out: breaking off is the only way left to tell that it is not whole.
    reply.raw.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(problemOf(error, request.id)));
  reply.code(error.row.httpStatus).type('application/problem+json').header('content-length', body.length);
  if (error.row.httpStatus === 429 || error.row.httpStatus === 503) {
    reply.header('retry-after', Math.ceil((error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS) / 1000));
  }
  if (request.raw.complete || !hasBody(request.raw)) {
    void reply.send(body);
    return;
  }
  reply.header('connection', 'close');
  lingeringAnswers.add(reply.raw);
  void reply.send(lingering(request.raw, body));
}

/** Answers that clients have whole before they end. */
const lingeringAnswers = new WeakSet<ServerResponse>();

/** Whether the client was given all of the answer, and did not go away before it. */
export function wasAnswered(response: ServerResponse): boolean {
  return response.writableFinished || (response.headersSent && lingeringAnswers.has(response));
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/**
 * The answer, whose end waits until the client has stopped sending. Closing a connection with unread bytes in it makes
 * the system reset it, and the client would see a broken pipe instead of the answer. The length stands in the head, so
 * the client has the whole answer at once.
 */
function lingering(request: IncomingMessage, body: Buffer): Readable {
  const answer = new Readable({
    read: () => undefined,
    destroy(error, done) {
      stop();
      done(error);
    },
  });
  const finish = (): void => {
    stop();
    if (!answer.destroyed) answer.push(null);
  };
  const total = setTimeout(finish, LINGER_MS);
  const idle = setTimeout(finish, LINGER_IDLE_MS);
  const onData = (): void => {
    idle.refresh();
  };
  const stop = (): void => {
    clearTimeout(total);
    clearTimeout(idle);
    request.off('data', onData).off('end', finish).off('close', finish);
  };
  answer.push(body);
  request.unpipe();
  request.on('data', onData).once('end', finish).once('close', finish);
  request.resume();
  return answer;
}
