import { BYTES_PER_SAMPLE, pcmBytesToMs, PolyscribeError } from '#contracts';
import {
  DEFAULT_OVERLAP_MS,
  defaultSpanLengths,
  type SpanLengthOptions,
  SpanPlanner,
  type SpanPlanOptions,
} from './span-planner.js';
import { PIECE_BYTES, SoundMemory } from './sound-memory.js';
import { SpanSound } from './span-sound.js';

/** Where a span ends. */
export interface SpanEnd {
  readonly endMs: number;
  readonly tailMs: number;
}

/** A span whose sound may still be coming in. */
export interface StreamedSpan {
  readonly index: number;
  readonly startMs: number;
  readonly leadMs: number;
  readonly sound: SpanSound;
  /** Where it ends, where that was known when it was given. */
  readonly end: SpanEnd | undefined;
  /** The same as soon as it is known; rejects with what the source failed with. */
  readonly ends: Promise<SpanEnd>;
  /** Wherever it will be cut, its neighbours hear nothing of what lies before. */
  readonly ownToMs: number;
  /** How long it may become; undefined before lengths were asked for. */
  readonly longestMs: number | undefined;
}

export interface SpanStreamOptions extends Omit<SpanPlanOptions, keyof SpanLengthOptions> {
  /** However long spans are meant to be, none but the last is shorter. */
  readonly soonestMs: number;
  /** How long they are meant to be; asked for once, when more audio than `soonestMs` has come. */
  readonly lengths: () => Promise<Required<SpanLengthOptions>>;
}

/** The audio that is read on while nobody has said how long spans are to be. */
const UNMEASURED_MS = defaultSpanLengths.maxMs;

/** A span is given once that much of its sound is there: what is shorter is decoded before an engine could be asked. */
const OPENING_BYTES = 64_000;

const OPENING_SAMPLES = OPENING_BYTES / BYTES_PER_SAMPLE;
const PIECE_SAMPLES = PIECE_BYTES / BYTES_PER_SAMPLE;

/**
 * Cuts audio into the spans that `planSpans` gives, but gives each as soon as it has begun: an engine can hear the beginning
 * of a span while the rest of it is decoded, and before it is known where the span ends.
 *
 * The audio up to the end of the span given last is read whether or not the caller goes on, so that nothing that waits for
 * this end waits for the caller. Memory is that of `planSpans`, and what released spans have left for those behind them.
 *
 * @param pcm s16le mono at 16 kHz; closed when the caller stops early
 */
export async function* streamSpans(
  pcm: AsyncIterable<Uint8Array>,
  options: SpanStreamOptions,
): AsyncGenerator<StreamedSpan, void, undefined> {
  const stream = new SpanStream(pcm, options);
  try {
    for (let span = await stream.next(); span !== undefined; span = await stream.next()) yield span;
  } finally {
    await stream.close();
  }
}

class SpanStream {
  private readonly source: AsyncIterator<Uint8Array>;
  private readonly memory = new SoundMemory();
  private readonly planner: SpanPlanner<Buffer[]>;
  /** The longest span; undefined before lengths were asked for. */
  private longestMs: number | undefined;
  private atEnd = false;
  private isClosed = false;
  private asked: Promise<void> | undefined;
  /** Ends when the span given last has its end. */
  private closing: Promise<unknown> = Promise.resolve();

  constructor(
    pcm: AsyncIterable<Uint8Array>,
    private readonly options: SpanStreamOptions,
  ) {
    this.source = pcm[Symbol.asyncIterator]();
    const lengths = { minMs: options.soonestMs, maxMs: Infinity };
    this.planner = new SpanPlanner({ ...options, ...lengths }, (sound) => this.memory.keep(sound));
  }

  async next(): Promise<StreamedSpan | undefined> {
    await this.closing;
    for (;;) {
      const known = this.planner.next(this.atEnd);
      if (known) {
        const { pcm, endMs, tailMs, ...place } = known;
        const sound = new SpanSound(this.memory);
        sound.append(pcm);
        sound.close();
        const end = { endMs, tailMs };
        const lengths = { ownToMs: endMs - tailMs, longestMs: endMs - place.startMs };
        return { ...place, ...lengths, sound, end, ends: Promise.resolve(end) };
      }
      if (this.atEnd) return undefined;
      const opening = this.planner.availableMs >= pcmBytesToMs(OPENING_BYTES) ? this.planner.opening : undefined;
      if (opening) {
        const sound = new SpanSound(this.memory);
        const ends = this.complete(sound);
        // Whoever wants the end is told; a span that is given up wants none.
        ends.catch(() => undefined);
        this.closing = ends;
        const lengths = { ownToMs: this.ownToMs(opening.startMs), longestMs: this.longestMs };
        return { ...opening, ...lengths, sound, end: undefined, ends };
      }
      await this.read();
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.source.return?.();
    await this.closing.catch(() => undefined);
  }

  private ownToMs(startMs: number): number {
    return startMs + this.options.soonestMs - Math.min(DEFAULT_OVERLAP_MS, this.options.soonestMs / 2);
  }

  /** Reads on until it is known where the span ends that has begun; what belongs to it for certain can be heard before. */
  private async complete(sound: SpanSound): Promise<SpanEnd> {
    try {
      let taken = 0;
      for (;;) {
        const wanted = taken + (taken === 0 ? OPENING_SAMPLES : PIECE_SAMPLES);
        if (this.planner.certainSamples >= wanted) {
          sound.append(this.planner.certainSound(wanted, taken));
          taken = wanted;
          continue;
        }
        const known = this.planner.next(this.atEnd, taken);
        if (known) {
          sound.append(known.pcm);
          sound.close();
          return { endMs: known.endMs, tailMs: known.tailMs };
        }
        await this.read();
      }
    } catch (error) {
      sound.fail(error);
      throw error;
    }
  }

  private async read(): Promise<void> {
    const next = await this.source.next();
    // What was read so far must not be taken for all there is.
    if (this.isClosed) throw new PolyscribeError('cancelled', 'The rest of the audio is not wanted.');
    if (next.done === true) this.atEnd = true;
    else this.planner.append(next.value);
    if (this.longestMs !== undefined || this.planner.availableMs <= this.options.soonestMs) return;
    this.asked ??= this.ask();
    // Whoever waits for it is told.
    this.asked.catch(() => undefined);
    if (this.atEnd || this.planner.availableMs > UNMEASURED_MS) await this.asked;
  }

  private async ask(): Promise<void> {
    const lengths = await this.options.lengths();
    this.planner.measureBy(lengths);
    this.longestMs = lengths.maxMs;
  }
}
