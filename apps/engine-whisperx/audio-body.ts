import { pcmBytesToMs } from '#contracts';
import { readUntilAborted } from '#engine-host';
import { streamingWavHeader } from './http/wav-header.js';

/** The audio of one call on its way to a server: looks for its beginning, counts it, can be let go of at any time. */
export class AudioBody {
  private readonly letGo = new AbortController();
  private readonly source: AsyncGenerator<Uint8Array, void>;
  private bytes = 0;

  constructor(audio: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.source = readUntilAborted(audio, AbortSignal.any([signal, this.letGo.signal]));
  }

  /** Length of what was read so far. */
  get ms(): number {
    return pcmBytesToMs(this.bytes);
  }

  /**
   * Waits for the first sound.
   *
   * @returns undefined when there is none: servers answer an empty file with an error
   * @throws what the source throws, `cancelled`
   */
  async begin(): Promise<OpenAudio | undefined> {
    for (;;) {
      const first = await this.source.next();
      if (first.done === true) return undefined;
      if (first.value.length > 0) return new OpenAudio(first.value, this.source, (count) => (this.bytes += count));
    }
  }

  /** Closes the source, also while it keeps its reader waiting. */
  close(): void {
    this.letGo.abort();
    // A generator that was never begun would not notice the signal.
    void this.source.return().then(undefined, () => undefined);
  }
}

/** Audio that has begun. Read once. */
export class OpenAudio {
  constructor(
    private readonly first: Uint8Array,
    private readonly rest: AsyncIterable<Uint8Array>,
    private readonly count: (bytes: number) => void,
  ) {}

  /** Bare samples: s16le mono at 16 kHz. */
  async *pcm(): AsyncGenerator<Uint8Array, void> {
    this.count(this.first.length);
    yield this.first;
    for await (const chunk of this.rest) {
      this.count(chunk.length);
      yield chunk;
    }
  }

  /** The same with the header of a WAV file before it. */
  async *wav(): AsyncGenerator<Uint8Array, void> {
    yield streamingWavHeader();
    yield* this.pcm();
  }
}
