import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request as http,
} from 'node:http';
import { Agent as HttpsAgent, request as https } from 'node:https';
import type { ClientOptions } from 'minio';

type Transport = NonNullable<ClientOptions['transport']>;

/** Beyond that many, requests wait for a connection, and their deadline runs meanwhile. */
const MAX_CONNECTIONS = 256;

/** Statuses that say "not now": the same request may succeed a little later. */
const passingStatuses = new Set([408, 429, 500, 502, 503, 504]);

export interface S3TransportSettings {
  readonly tls: boolean;
  /** How long the server may take from the request to the head of its answer. */
  readonly answerMs: number;
  /** How long the body of an answer may stand still while its reader wants more. */
  readonly idleMs: number;
}

/** The server answered with a status that passes, before anything of the request took effect. */
export class PassingStatusError extends Error {
  override readonly name = 'PassingStatusError';

  constructor(readonly status: number) {
    super(`the object store answered with HTTP status ${String(status)}`);
  }
}

/** The server did not answer in time. */
export class S3TimeoutError extends Error {
  override readonly name = 'S3TimeoutError';
}

/**
 * How the S3 client speaks HTTP: every request has a deadline and can be aborted, which the client itself knows nothing
 * of, and a passing status is an error at once (the client would try again by itself and write about it to the console).
 */
export class S3Transport implements Transport {
  private readonly calls = new AsyncLocalStorage<AbortSignal | undefined>();
  readonly agent: HttpAgent;

  constructor(private readonly settings: S3TransportSettings) {
    const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
    this.agent = settings.tls ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Runs client calls whose requests the signal aborts. */
  within<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.calls.run(signal, work);
  }

  /** Breaks off what runs and closes the connections. */
  close(): void {
    this.agent.destroy();
  }

  readonly request = ((options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest => {
    const signal = this.calls.getStore();
    const send = this.settings.tls ? https : http;
    const request = send({ ...options, agent: this.agent, ...(signal && { signal }) });
    const deadline = setTimeout(() => {
      request.destroy(new S3TimeoutError(`no answer within ${String(this.settings.answerMs)} ms`));
    }, this.settings.answerMs);
    request.once('close', () => clearTimeout(deadline));
    request.once('response', (response) => {
      clearTimeout(deadline);
      this.watchBody(request, response);
      const status = response.statusCode ?? 0;
      if (!passingStatuses.has(status)) {
        onResponse(response);
        return;
      }
      // Read to its end, so that the connection can be used again.
      response.on('error', ignore).resume();
      request.emit('error', new PassingStatusError(status));
    });
    return request;
  }) as Transport['request'];

  private watchBody(request: ClientRequest, response: IncomingMessage): void {
    const { idleMs } = this.settings;
    const onIdle = () => {
      // A reader that takes its time is no fault of the server.
      if (response.isPaused() || response.readableLength > 0) request.setTimeout(idleMs);
      else response.destroy(new S3TimeoutError(`the answer stood still for ${String(idleMs)} ms`));
    };
    request.on('timeout', onIdle);
    request.setTimeout(idleMs);
    // The connection goes back to the pool: its next user has its own deadline.
    response.once('close', () => {
      request.off('timeout', onIdle);
      request.setTimeout(0);
    });
  }
}

function ignore(): void {
  // Nobody waits for this body.
}
