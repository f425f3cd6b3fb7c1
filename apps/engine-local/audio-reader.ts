/** Nothing came for a while. */
export const IDLE = Symbol('idle');

/** Pulls an audio source chunk by chunk, can tell a slow source from one that has ended, and closes it. */
export class AudioReader {
  private readonly iterator: AsyncIterator<Uint8Array>;
  private pending: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(
    audio: AsyncIterable<Uint8Array>,
    private readonly signal: AbortSignal,
  ) {
    this.iterator = audio[Symbol.asyncIterator]();
  }

  /**
   * The next chunk, or undefined at the end.
   *
   * @param idleMs gives IDLE when nothing has come by then; the chunk is given by a later call
   * @throws what the source throws, or the signal's reason
   */
  async next(idleMs: number): Promise<Uint8Array | undefined>;
  async next(idleMs?: number): Promise<Uint8Array | typeof IDLE | undefined>;
  async next(idleMs?: number): Promise<Uint8Array | typeof IDLE | undefined> {
    this.signal.throwIfAborted();
    this.pending ??= this.iterator.next();
    const result = await this.firstOf(this.pending, idleMs);
    if (result === IDLE) return IDLE;
    this.pending = undefined;
    return result.done === true ? undefined : result.value;
  }

  /** Closes the source. Does not wait for one that is in the middle of a chunk: it may never give it. */
  async close(): Promise<void> {
    const busy = this.pending !== undefined;
    this.pending?.catch(() => undefined);
    const closing = Promise.resolve(this.iterator.return?.()).catch(() => undefined);
    if (!busy) await closing;
  }

  private firstOf<T>(promise: Promise<T>, idleMs: number | undefined): Promise<T | typeof IDLE> {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const timer = idleMs === undefined ? undefined : setTimeout(() => resolve(IDLE), idleMs);
      const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      signal.addEventListener('abort', onAbort, { once: true });
      void promise.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      });
    });
  }
}
