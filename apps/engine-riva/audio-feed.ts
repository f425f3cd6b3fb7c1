import { BYTES_PER_SAMPLE, pcmBytesToMs } from '#contracts';

/** Nothing came for a while. */
export const IDLE = Symbol('idle');
/** There is no more audio. */
export const END = Symbol('end');

/** Larger chunks are handed out in pieces: one second. */
const MAX_PIECE_BYTES = 32_000;

interface Kept {
  /** Position of its first byte in the audio. */
  readonly at: number;
  readonly bytes: Buffer;
}

/**
 * The audio of one call: pulled from its source once, piece by piece, and kept from the last final on, so that a new
 * stream can begin there. Hands out whole samples only, since silence may be put between two pieces.
 */
export class AudioFeed {
  private iterator: AsyncIterator<Uint8Array> | undefined;
  /** A chunk on its way; it outlives the stream that asked for it. */
  private pending: Promise<IteratorResult<Uint8Array>> | undefined;
  private halfSample = Buffer.alloc(0);
  private kept: Kept[] = [];
  private keptFrom = 0;
  private end = 0;
  private isOver = false;
  private sourceError: { readonly thrown: unknown } | undefined;

  /** @param maxKeptBytes older audio is let go of beyond that; a stream cannot begin there any more */
  constructor(
    private readonly source: AsyncIterable<Uint8Array>,
    private readonly maxKeptBytes: number,
  ) {}

  /** Length of what was read so far, in whole samples. */
  get heardMs(): number {
    return pcmBytesToMs(this.end);
  }

  /** What the source threw, wrapped so that `undefined` can be told from nothing. */
  get failure(): { readonly thrown: unknown } | undefined {
    return this.sourceError;
  }

  /**
   * The audio from that position on, as much as is at hand, at most a second.
   *
   * @returns IDLE when the source gives nothing for `idleMs`
   * @throws what the source throws; the signal's reason when it aborts first
   */
  async read(position: number, idleMs: number, signal: AbortSignal): Promise<Buffer | typeof IDLE | typeof END> {
    while (position >= this.end) {
      if (this.isOver) return END;
      if ((await this.pull(idleMs, signal)) === IDLE) return IDLE;
    }
    const kept = this.kept[this.indexOf(position)];
    if (!kept || position < this.keptFrom) throw new Error('The audio before this position was let go of.');
    const from = position - kept.at;
    return kept.bytes.subarray(from, from + MAX_PIECE_BYTES);
  }

  /** Whether the source has ended and nothing follows the position. */
  isAtEnd(position: number): boolean {
    return this.isOver && position >= this.end;
  }

  /** Whether the audio from that position on is still there. */
  canReadFrom(position: number): boolean {
    return position >= this.keptFrom;
  }

  /** Nothing before the position will be asked for again. */
  discardBefore(position: number): void {
    let gone = 0;
    while (gone < this.kept.length && this.endOf(gone) <= position) gone += 1;
    if (gone > 0) this.kept.splice(0, gone);
    this.keptFrom = Math.max(this.keptFrom, Math.min(position, this.end));
  }

  /** Lets go of the source. Does not wait for one that is in the middle of a chunk: it may never give it. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.pending?.catch(() => undefined);
    void this.iterator?.return?.().then(undefined, () => undefined);
  }

  private async pull(idleMs: number, signal: AbortSignal): Promise<typeof IDLE | undefined> {
    this.iterator ??= this.source[Symbol.asyncIterator]();
    this.pending ??= this.iterator.next();
    try {
      const result = await firstOf(this.pending, idleMs, signal);
      if (result === IDLE) return IDLE;
      this.pending = undefined;
      if (result.done) this.isOver = true;
      else this.append(result.value);
    } catch (thrown) {
      if (!signal.aborted) {
        this.isOver = true;
        this.sourceError = { thrown };
      }
      throw thrown;
    }
    return undefined;
  }

  private append(chunk: Uint8Array): void {
    const joined = this.halfSample.length > 0 ? Buffer.concat([this.halfSample, chunk]) : asBuffer(chunk);
    const whole = joined.length - (joined.length % BYTES_PER_SAMPLE);
    this.halfSample = Buffer.from(joined.subarray(whole));
    if (whole === 0) return;
    this.kept.push({ at: this.end, bytes: joined.subarray(0, whole) });
    this.end += whole;
    while (this.end - this.keptFrom > this.maxKeptBytes && this.kept.length > 1) this.discardBefore(this.endOf(0));
  }

  private endOf(index: number): number {
    const kept = this.kept[index];
    return kept ? kept.at + kept.bytes.length : this.end;
  }

  /** Binary search for the chunk that holds the position. */
  private indexOf(position: number): number {
    let low = 0;
    let high = this.kept.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.endOf(middle) <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function firstOf<T>(promise: Promise<T>, idleMs: number, signal: AbortSignal): Promise<T | typeof IDLE> {
  return new Promise((resolve, reject) => {
    // A pause ends many of these waits before the promise settles: what one of them holds goes with it.
    const release = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const onAbort = (): void => {
      release();
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const timer = setTimeout(() => {
      release();
      resolve(IDLE);
    }, idleMs);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    void promise.finally(release).then(resolve, reject);
  });
}
