import { setTimeout as delay } from 'node:timers/promises';
import { PolyscribeError } from '#contracts';
import { isPassing } from './s3-errors.js';
import type { S3Transport } from './s3-transport.js';

/** How often a call is made before its failure counts. */
const ATTEMPTS = 3;
/** The pause before the second attempt; each further one is three times as long, give or take a half. */
const FIRST_PAUSE_MS = 100;

/** Makes calls to S3: with the caller's signal, and again when what went wrong passes. */
export class S3Calls {
  private readonly closing = new AbortController();

  constructor(private readonly transport: S3Transport) {}

  /**
   * @param attempt counts from 1; makes the whole call anew each time
   * @throws what the last attempt threw; `AbortError` when the signal aborts
   */
  async make<T>(signal: AbortSignal | undefined, call: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      this.closing.signal.throwIfAborted();
      signal?.throwIfAborted();
      try {
        return await this.transport.within(signal, () => call(attempt));
      } catch (error) {
        // Whatever an aborted request made of it, the caller gets the abort.
        signal?.throwIfAborted();
        if (attempt === ATTEMPTS || !isPassing(error)) throw error;
      }
      const pauseMs = FIRST_PAUSE_MS * 3 ** (attempt - 1) * (0.5 + Math.random());
      await delay(pauseMs, undefined, { signal: signal ?? this.closing.signal });
    }
  }

  /** Breaks off what runs; nothing can be called after it. */
  close(): void {
    this.closing.abort(new PolyscribeError('dependency_unavailable', 'The object store has been closed.'));
    this.transport.close();
  }
}
