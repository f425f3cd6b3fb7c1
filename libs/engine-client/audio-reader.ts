import { pcmBytesToMs } from '#contracts';

/**
 * Reads a source of audio for one call: knows how much came, remembers the source's own error, and can be closed from
 * outside, also while the source keeps its reader waiting.
 */
export class AudioReader {
  private iterator: AsyncIterator<Uint8Array> | undefined;
  private wake: (() => void) | undefined;
  private isClosed = false;
  private bytes = 0;
  private sourceError: { readonly thrown: unknown } | undefined;

  constructor(private readonly source: AsyncIterable<Uint8Array>) {}

  /** What the source threw, wrapped so that `undefined` can be told from nothing. */
  get failure(): { readonly thrown: unknown } | undefined {
    return this.sourceError;
  }

  /** Length of what was read so far. */
  get heardMs(): number {
    return pcmBytesToMs(this.bytes);
  }

  /** The next chunk; undefined at the end of the audio and after `close`. @throws what the source throws */
  async next(): Promise<Uint8Array | undefined> {
    if (this.isClosed) return undefined;
    this.iterator ??= this.source[Symbol.asyncIterator]();
    try {
      const result = await this.untilClosed(this.iterator.next());
      if (result === undefined || result.done) {
        this.isClosed ||= result?.done === true;
        return undefined;
      }
      this.bytes += result.value.length;
      return result.value;
    } catch (thrown) {
      this.isClosed = true;
      this.sourceError = { thrown };
      throw thrown;
    }
  }

  /** Tells the source that nothing more is wanted; once, and only when it was opened and has not ended by itself. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.wake?.();
    // A source may take its time to close or fail at it; the call that it belonged to is over.
    void this.iterator?.return?.().then(undefined, () => undefined);
  }

  /** Not a race with one long-lived promise: that would hold on to every chunk's reaction until the call ends. */
  private untilClosed<T>(pending: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.wake = () => resolve(undefined);
      pending.then(resolve, reject);
    });
  }
}
