import type { ClientRequest, IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { PolyscribeError } from '#contracts';

/** Longest body of an error, and of an answer about the server itself. */
export const SMALL_ANSWER_BYTES = 4 * 1024 * 1024;

/** One answer of a server, whose body is still to be read. */
export class ServerAnswer {
  constructor(
    private readonly response: IncomingMessage,
    private readonly request: ClientRequest,
    private readonly signal: AbortSignal,
    private readonly address: string,
  ) {}

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  get isOk(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The value of a header; empty when it is absent. */
  header(name: string): string {
    const value = this.response.headers[name];
    return typeof value === 'string' ? value : '';
  }

  /** `Retry-After` in milliseconds, at most an hour; undefined when the server does not say, or says a date. */
  get retryAfterMs(): number | undefined {
    const text = this.header('retry-after');
    return /^\d{1,6}$/.test(text) ? Math.min(Number(text), 3_600) * 1000 : undefined;
  }

  /** Breaks the connection off, unless it has ended. */
  close(): void {
    this.request.destroy();
  }

  /**
   * The whole body.
   *
   * @throws PolyscribeError `engine_bad_response` when it is longer than `maxBytes`, `engine_unavailable` when the server
   *   breaks off, `cancelled`
   */
  async text(maxBytes = SMALL_ANSWER_BYTES): Promise<string> {
    const decoder = new StringDecoder('utf8');
    const parts: string[] = [];
    for await (const chunk of this.chunks(maxBytes)) parts.push(decoder.write(chunk));
    return parts.join('') + decoder.end();
  }

  /**
   * The body line by line as it comes, without the ends of the lines; empty ones are left out.
   *
   * @param idleMs how long the server may stay silent
   * @throws as `text` does
   */
  async *lines(maxBytes: number, idleMs: number): AsyncGenerator<string, void> {
    const decoder = new StringDecoder('utf8');
    // The parts of a line are joined once, at its end: the last line of a long file has megabytes.
    let parts: string[] = [];
    for await (const chunk of this.chunks(maxBytes, idleMs)) {
      const pieces = decoder.write(chunk).split('\n');
      for (const piece of pieces.slice(0, -1)) {
        parts.push(piece);
        const line = parts.join('').trim();
        parts = [];
        if (line !== '') yield line;
      }
      parts.push(pieces.at(-1) ?? '');
    }
    const last = (parts.join('') + decoder.end()).trim();
    if (last !== '') yield last;
  }

  private async *chunks(maxBytes: number, idleMs?: number): AsyncGenerator<Buffer, void> {
    if (idleMs !== undefined) this.watch(idleMs);
    let bytes = 0;
    try {
      for await (const chunk of this.response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLong();
        yield chunk;
      }
    } catch (error) {
      throw error instanceof PolyscribeError ? error : this.brokenOff(error);
    } finally {
      this.close();
    }
  }

  private brokenOff(cause: unknown): PolyscribeError {
    if (this.signal.aborted) return new PolyscribeError('cancelled', 'The call was cancelled.', { cause });
    const what = `The WhisperX server at ${this.address} broke off in the middle of its answer.`;
    return new PolyscribeError('engine_unavailable', what, { cause });
  }

  /** Gives the server up that says nothing for too long. */
  private watch(idleMs: number): void {
    this.request.setTimeout(idleMs, () => {
      // A reader that takes its time is no fault of the server.
      if (this.response.readableLength > 0) this.request.setTimeout(idleMs);
      else this.close();
    });
  }
}

function tooLong(): PolyscribeError {
  return new PolyscribeError('engine_bad_response', 'The WhisperX server sent more than an answer can hold.');
}
