import http, { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { isAbortError, PolyscribeError, systemErrorCode } from '#contracts';
import type { ResolvedAddress } from './url-guard.js';

export interface OutboundLimits {
  /** From the first question to the name server to the last byte of the answer, redirects included. */
  readonly totalMs: number;
  /** Until the head of an answer has come. */
  readonly headMs: number;
}

export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** An answer whose body is still to be read: read it to its end or destroy it. */
export interface Head {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** A real answer needs less; more would only fill memory. */
const MAX_HEADER_BYTES = 16_384;

const BROKEN = 'The host broke off, or does not answer; try again later.';
const LATE = 'The host did not answer in time; try again later.';
const UNTRUSTED = 'The certificate of the host cannot be trusted.';

/**
 * One request to one of these addresses, without a proxy, a kept connection, a redirect or decompression.
 *
 * @param signal aborted when the time is over or the caller wants no more; holds for the body too
 * @throws PolyscribeError `dependency_unavailable`, `invalid_request` where the host's certificate is bad, `cancelled`;
 *   the body fails in the same way
 */
export async function sendTo(
  url: URL,
  addresses: readonly ResolvedAddress[],
  request: OutboundRequest,
  signal: AbortSignal,
  headMs: number,
): Promise<Head> {
  const options: RequestOptions = {
    method: request.method,
    headers: { 'accept-encoding': 'identity', ...request.headers, ...lengthOf(request.body) },
    agent: false,
    lookup: pinnedTo(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  };
  const call = (url.protocol === 'https:' ? https : http).request(url, options);
  const late = setTimeout(() => call.destroy(new PolyscribeError('dependency_unavailable', LATE)), headMs);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      call.once('response', resolve);
      // Stays on: a request may fail more than once, and later failures have nobody else to hear them.
      call.on('error', reject);
      // Nobody asked for another protocol; such a socket would be left to us.
      call.once('upgrade', (_answer, socket) => {
        socket.destroy();
        reject(new PolyscribeError('dependency_unavailable', BROKEN));
      });
      call.end(request.body);
    });
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: bodyOf(answer, signal) };
  } catch (error) {
    throw outboundError(error, signal);
  } finally {
    clearTimeout(late);
  }
}

function lengthOf(body: Buffer | undefined): Record<string, string> {
  return body ? { 'content-length': String(body.length) } : {};
}

/** The checked addresses instead of another question to the name server, whose answer could be another. */
function pinnedTo(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else if (first) callback(null, first.address, first.family);
  };
}

function bodyOf(answer: IncomingMessage, signal: AbortSignal): Readable {
  const body = new Body(signal);
  // Both end together: an error of one destroys the other.
  pipeline(answer, body, () => undefined);
  return body;
}

class Body extends PassThrough {
  constructor(private readonly signal: AbortSignal) {
    super();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    done(error && outboundError(error, this.signal));
  }
}

/** Whether the caller gave up, told apart from the time that was over. */
export const TIME_OVER = 'time is over';

function outboundError(error: unknown, signal: AbortSignal): PolyscribeError {
  if (error instanceof PolyscribeError) return error;
  if (signal.aborted && signal.reason !== TIME_OVER) {
    return new PolyscribeError('cancelled', 'The call was cancelled.', { cause: error });
  }
  if (signal.aborted || isAbortError(error)) return new PolyscribeError('dependency_unavailable', LATE);
  const code = systemErrorCode(error) ?? '';
  if (isCertificateError(code)) return new PolyscribeError('invalid_request', UNTRUSTED, { cause: error });
  return new PolyscribeError('dependency_unavailable', BROKEN, { cause: error });
}

/** OpenSSL's and Node's names for a chain that does not hold. */
function isCertificateError(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS_CERT/.test(code);
}
