import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { PolyscribeError } from '#contracts';
import { type Head, type OutboundLimits, type OutboundRequest, sendTo, TIME_OVER } from './outbound-request.js';
import { type Resolve, UrlGuard } from './url-guard.js';

export interface OutboundHttpOptions {
  /** `host` or `host:port`; these may be called whatever they resolve to. */
  readonly allowedHosts: readonly string[];
  /** How names become addresses; the system's way by default. */
  readonly resolve?: Resolve;
}

/** An answer whose body is still to be read: read it to its end or destroy it. */
export interface Answer extends Head {
  /** Where it came from in the end. */
  readonly url: URL;
}

/** A short answer, read whole. */
export interface ShortAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its first bytes as text. */
  readonly text: string;
}

const MAX_REDIRECTS = 5;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const USER_AGENT = 'polyscribe/1';

/**
 * The one way in which we call addresses that a client named. Every address is judged before it is connected to, at each
 * redirect anew; the connection goes to an address that was judged; nothing is decompressed; all of it has a time.
 */
export class OutboundHttp {
  readonly guard: UrlGuard;

  constructor(options: OutboundHttpOptions) {
    this.guard = new UrlGuard(options.allowedHosts, options.resolve);
  }

  /**
   * Fetches, following up to five redirects. Any status but a redirect is an answer.
   *
   * @throws PolyscribeError `url_not_allowed`, `invalid_request` for too many redirects or a bad certificate,
   *   `dependency_unavailable`, `cancelled`; the body fails in the same way
   */
  async get(text: string, limits: OutboundLimits, signal: AbortSignal): Promise<Answer> {
    const clock = new Clock(limits.totalMs, signal);
    try {
      let url = this.guard.judge(text);
      for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
        const head = await this.send(url, { method: 'GET', headers: { 'user-agent': USER_AGENT } }, clock, limits);
        const next = redirects.has(head.status) ? head.headers.location : undefined;
        if (next === undefined) {
          head.body.once('close', () => clock.stop());
          return { ...head, url };
        }
        head.body.destroy();
        url = this.guard.judge(next, url);
      }
      throw new PolyscribeError('invalid_request', 'The URL leads from one redirect to the next; name its end.');
    } catch (error) {
      clock.stop();
      throw error;
    }
  }

  /**
   * Posts a body and reads the beginning of the answer. Redirects are not followed: they are answers.
   *
   * @throws PolyscribeError `url_not_allowed`, `invalid_request` for a bad certificate, `dependency_unavailable`,
   *   `cancelled`
   */
  async post(
    text: string,
    message: { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer },
    limits: OutboundLimits & { readonly maxAnswerBytes: number },
    signal: AbortSignal,
  ): Promise<ShortAnswer> {
    const clock = new Clock(limits.totalMs, signal);
    try {
      const headers = { 'user-agent': USER_AGENT, ...message.headers };
      const url = this.guard.judge(text);
      const head = await this.send(url, { method: 'POST', headers, body: message.body }, clock, limits);
      return { status: head.status, headers: head.headers, text: await beginningOf(head.body, limits.maxAnswerBytes) };
    } finally {
      clock.stop();
    }
  }

  private async send(url: URL, request: OutboundRequest, clock: Clock, limits: OutboundLimits): Promise<Head> {
    const addresses = await clock.within(this.guard.addressesOf(url));
    return sendTo(url, addresses, request, clock.signal, limits.headMs);
  }
}

/** The time of one call, and the caller's wish to end it. */
class Clock {
  private readonly over = new AbortController();
  private readonly timer: NodeJS.Timeout;
  readonly signal: AbortSignal;

  constructor(totalMs: number, caller: AbortSignal) {
    this.signal = AbortSignal.any([caller, this.over.signal]);
    this.timer = setTimeout(() => this.over.abort(TIME_OVER), totalMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** For work that knows no signal. */
  async within<T>(work: Promise<T>): Promise<T> {
    let onAbort = (): void => undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(this.error());
      this.signal.addEventListener('abort', onAbort, { once: true });
      if (this.signal.aborted) onAbort();
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  private error(): PolyscribeError {
    return this.signal.reason === TIME_OVER
      ? new PolyscribeError('dependency_unavailable', 'The host did not answer in time; try again later.')
      : new PolyscribeError('cancelled', 'The call was cancelled.');
  }
}

/** What matters of an answer is its status; a body that fails or never ends takes nothing away from it. */
async function beginningOf(body: Readable, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= maxBytes) break;
    }
  } catch {
    // The status has come, and with it the answer.
  } finally {
    body.destroy();
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
}
