import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { PolyscribeError } from '#contracts';
import { ServerAnswer } from './server-answer.js';
import { RequestBody } from './request-body.js';

/** A server that is there takes a connection well within that. */
const CONNECT_MS = 10_000;

/** After that long without a sign of life from the other machine the system asks whether it is still there. */
const KEEP_ALIVE_MS = 15_000;

export interface ServerRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base URL, without a slash in front. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Pulled only as fast as the server takes it; sent in chunks, as its length is not known. */
  readonly body?: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** For servers that work on though their client has left. */
  readonly linger?: Linger;
}

/** What becomes of a request that is aborted after it went out whole, on a server that cannot be told to stop. */
export interface Linger {
  /** How long the answer is waited for after the abort. */
  readonly maxMs: number;
  /** Given a promise that resolves when the server has answered or the time is up. */
  readonly hold: (over: Promise<void>) => void;
}

/**
 * Speaks HTTP to one server. Without the limits of `fetch`, which gives up on an answer that takes more than five minutes
 * to begin: how long a call may take is the business of its signal. Every request has a connection of its own, so that
 * none meets one that the server is just closing.
 */
export class ServerClient {
  private readonly base: URL;

  /** @param baseUrl without credentials */
  constructor(
    baseUrl: string,
    private readonly apiKey: string | undefined,
  ) {
    this.base = new URL(baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`);
  }

  /** For people; holds no secret. */
  get address(): string {
    return this.base.href.replace(/\/$/, '');
  }

  /**
   * Sends a request. The answer may be an error of the server's; to be closed when it is not read to its end.
   *
   * @throws PolyscribeError `cancelled` when the signal aborts, `engine_unavailable` when the server cannot be reached or
   *   breaks off; what the body throws
   */
  async send(request: ServerRequest): Promise<ServerAnswer> {
    const { signal } = request;
    if (signal.aborted) throw cancelled();
    const sent = this.open(request);
    const body = new RequestBody(sent, request.body);
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const abort = (): void => {
        reject(cancelled());
        if (request.linger && body.isSent && !isAnswered) linger(sent, request.linger);
        else sent.destroy();
      };
      signal.addEventListener('abort', abort, { once: true });
      sent.once('close', () => signal.removeEventListener('abort', abort));
      sent.on('error', (error) => reject(signal.aborted ? cancelled() : unreachable(this.address, error)));
      sent.once('response', (response: IncomingMessage) => {
        isAnswered = true;
        // A server that refuses before it has read everything wants no more of it.
        if ((response.statusCode ?? 500) >= 400) body.stop();
        resolve(new ServerAnswer(response, sent, signal, this.address));
      });
      body.send().catch((error: unknown) => {
        sent.destroy();
        reject(error instanceof Error ? error : new Error('The audio could not be read.', { cause: error }));
      });
    });
  }

  private open({ method, path, query, headers, body }: ServerRequest): ClientRequest {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.append(name, value);
    const all: OutgoingHttpHeaders = {
      accept: 'application/json',
      ...(this.apiKey !== undefined && { authorization: `Bearer ${this.apiKey}` }),
      ...(body && { 'transfer-encoding': 'chunked' }),
      ...headers,
    };
    const open = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = open(url, { method, headers: all, agent: false });
    const timer = setTimeout(() => {
      request.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' }));
    }, CONNECT_MS);
    const stopTimer = (): void => clearTimeout(timer);
    request.once('socket', (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', stopTimer);
    });
    request.once('close', stopTimer);
    return request;
  }
}

/** Waits for the answer to a request that nobody wants any more. */
function linger(request: ClientRequest, { maxMs, hold }: Linger): void {
  hold(
    new Promise((resolve) => {
      const timer = setTimeout(() => request.destroy(), maxMs);
      request.once('response', () => request.destroy());
      request.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    }),
  );
}

function cancelled(): PolyscribeError {
  return new PolyscribeError('cancelled', 'The call was cancelled.');
}

/** What the operating system says of connections, for people. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it broke off the connection',
  EPIPE: 'it broke off the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
};

/** The error for a connection that failed; the message names the server and no secret. */
export function unreachable(address: string, cause: unknown): PolyscribeError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  const why = reasons[code] ?? 'the connection failed';
  return new PolyscribeError('engine_unavailable', `The WhisperX server at ${address} is not reachable: ${why}.`, {
    cause,
  });
}
