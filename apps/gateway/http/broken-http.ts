import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { PolyscribeError } from '#contracts';
import { problemOf } from './problem.js';

/** Status lines by the code of Node's error; whatever else is no HTTP is a bad request. */
const statusLines: Readonly<Record<string, readonly [status: number, title: string, detail: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The head of the request took too long; send it again.'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The head of the request is too large.'],
};

/**
 * Answers bytes that never became a request, by hand. A connection on which nothing ever came is closed without a word:
 * a client that opened it in advance may be sending its first request just now, and would take the word for the answer.
 */
export function answerBrokenHttp(error: Error & { code?: string; rawPacket?: unknown }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const code = error.code ?? 'no code';
  const [status, title, detail] = statusLines[code] ?? [
    400,
    'Bad Request',
    `This is not a valid HTTP request (${code}).`,
  ];
  const problem = { ...problemOf(new PolyscribeError('invalid_request', detail), randomUUID()), title, status };
  const body = JSON.stringify(problem);
  // Who asked for a head alone would take a body for the answer to its next request.
  const headAlone = Buffer.isBuffer(error.rawPacket) && error.rawPacket.subarray(0, 5).toString() === 'HEAD ';
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nX-Request-Id: ${problem.request_id}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${headAlone ? '' : body}`,
  );
}
