import { pcmBytesToMs } from '#contracts';

export interface CountedAudioOptions {
  readonly pcm: Buffer;
  /** Bytes in each chunk; an odd number splits samples. 100 ms unless told otherwise. */
  readonly chunkBytes?: number;
  /** How often the PCM is repeated; 1 unless told otherwise. */
  readonly times?: number;
  /** What happens at the end: the audio ends, no more comes and the reader waits, or the source fails. */
  readonly end?: 'end' | 'hang' | { readonly error: Error };
}

/** A source of audio that knows how it is read. */
export class CountedAudio implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  opened = 0;
  pulls = 0;
  returned = 0;
  private at = 0;
  private isOver = false;
  private letGo: (() => void) | undefined;
  private atHang: () => void = () => undefined;
  /** Resolves when the source begins to keep its reader waiting. */
  readonly hanging = new Promise<void>((resolve) => (this.atHang = resolve));

  constructor(private readonly options: CountedAudioOptions) {}

  /** Whether nobody holds the source: never opened, read to its end, failed, or closed. */
  get isReleased(): boolean {
    return this.opened === 0 || this.isOver;
  }

  get isExhausted(): boolean {
    return this.at >= this.totalBytes;
  }

  /** Length of the whole. */
  get durationMs(): number {
    return pcmBytesToMs(this.totalBytes);
  }

  [Symbol.asyncIterator](): this {
    this.opened += 1;
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.pulls += 1;
    if (this.isOver) return { done: true, value: undefined };
    if (!this.isExhausted) return { done: false, value: this.chunk() };
    const { end = 'end' } = this.options;
    if (end === 'hang') {
      await new Promise<void>((resolve) => {
        this.letGo = resolve;
        this.atHang();
      });
    }
    this.isOver = true;
    if (typeof end === 'object') throw end.error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.returned += 1;
    this.isOver = true;
    this.letGo?.();
    return Promise.resolve({ done: true, value: undefined });
  }

  private get totalBytes(): number {
    return this.options.pcm.length * (this.options.times ?? 1);
  }

  private chunk(): Uint8Array {
    const { pcm, chunkBytes = 3_200 } = this.options;
    const from = this.at % pcm.length;
    const chunk = pcm.subarray(from, Math.min(from + chunkBytes, pcm.length));
    this.at += chunk.length;
    return chunk;
  }
}
