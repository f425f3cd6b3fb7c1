import type { IncomingMessage, ServerResponse } from 'node:http';
import multipart from '@fastify/multipart';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PolyscribeError } from '#contracts';
import { requestIdFrom } from '#grpc';
import { answerBrokenHttp } from './broken-http.js';
import { idleBodyFault, refuseIdleHead } from './idle-parts.js';
import { jsonFault, sentenceOf } from './json-fault.js';
import { type OwnNames, refuseForeignPages } from './own-names.js';
import { sendProblem } from './problem.js';

/** Fields and their framing around a file; what a form may be larger than its file. */
const FORM_OVERHEAD_BYTES = 1024 * 1024;

/** A head comes in one packet or a few; who needs longer holds connections. */
const HEADERS_TIMEOUT_MS = 20_000;
/** Uploads have their own watch and event streams send a comment every 15 s: a silent connection is dead. */
const IDLE_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 60_000;

/**
 * Fastify as the gateway wants it: long uploads, short heads, small bodies elsewhere.
 *
 * @param own by which names it may be called
 * @param maxFileBytes a client that says `Expect: 100-continue` is refused a larger body before it sends it
 */
export function createFastifyAdapter(maxFileBytes: number, own: OwnNames): FastifyAdapter {
  const adapter = new FastifyAdapter({
    logger: false,
    // A context of the longest phrases, each character written as \uXXXX; uploads are streams and have their own limit.
    bodyLimit: 393_216,
    multipart: false,
    // A whole upload may take hours; UploadMeter looks after slow ones.
    requestTimeout: 0,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: 16_384 },
    requestIdHeader: false,
    genReqId: (request: IncomingMessage) => requestIdOf(request),
    routerOptions: { maxParamLength: 600 },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      reply.headers({ 'x-request-id': request.id, ...securityHeaders });
      sendProblem(request, reply, malformedRequest(error));
    },
    clientErrorHandler: answerBrokenHttp,
  });
  void adapter.getInstance().register(multipart, {
    throwFileSizeLimit: false,
    limits: { fileSize: Number.MAX_SAFE_INTEGER, files: 2, fields: 64, parts: 66, fieldSize: 65_536, headerPairs: 32 },
  });
  adapter.getInstance().addContentTypeParser('application/json', { parseAs: 'string' }, jsonParser(adapter));
  adapter
    .getInstance()
    .addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, new URLSearchParams(body.toString()));
    });
  // Left unread: whoever takes the upload reads it as it comes.
  adapter.getInstance().addContentTypeParser('application/offset+octet-stream', (_request, _body, done) => {
    done(null);
  });
  adapter.getInstance().addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'x-request-id': request.id, ...securityHeaders });
    try {
      refuseForeignPages(request, own);
      refuseIdleHead(request);
    } catch (error) {
      if (!(error instanceof PolyscribeError)) throw error;
      sendProblem(request, reply, error);
      return;
    }
    done();
  });
  adapter.getInstance().addHook('preValidation', (request, _reply, done) => {
    done(idleBodyFault(request));
  });
  const server = adapter.getInstance().server;
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!announcesTooMuch(request, maxFileBytes)) response.writeContinue();
    server.emit('request', request, response);
  });
  // An expectation that we do not know is passed over, as RFC 9110, 10.1.1, allows: Node's refusal would be no problem document.
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response);
  });
  return adapter;
}

/** Says where a body is no JSON. No body at all is for the route to judge: some clients name the type of what they do not send. */
function jsonParser(adapter: FastifyAdapter) {
  const parse = adapter.getInstance().getDefaultJsonParser('error', 'error');
  return (request: FastifyRequest, body: string, done: (error: Error | null, value?: unknown) => void): void => {
    if (body === '') {
      done(null);
      return;
    }
    void parse(request, body, (error, value) => {
      if (!error) {
        done(null, value);
        return;
      }
      const fault = jsonFault(body);
      const message = fault
        ? sentenceOf(fault)
        : 'The body names a field __proto__ or constructor, which is not taken.';
      done(new PolyscribeError('invalid_request', message));
    });
  };
}

/** Whether the head says that the body is larger than any form with a file that is taken. */
export function announcesTooMuch(request: IncomingMessage, maxFileBytes: number): boolean {
  return Number(request.headers['content-length'] ?? 0) > maxFileBytes + FORM_OVERHEAD_BYTES;
}

/** For an API whose answers no browser is to run, frame or keep; the documentation page loosens what it needs. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

function requestIdOf(request: { headers: IncomingMessage['headers'] }): string {
  const given = request.headers['x-request-id'];
  return requestIdFrom(typeof given === 'string' ? given : undefined);
}

function malformedRequest(cause: unknown): PolyscribeError {
  return new PolyscribeError('invalid_request', 'The path of the request is malformed.', { cause });
}
