import { SAMPLE_RATE_HZ } from '#contracts';
import { quietestPlace } from './quietest-place.js';
import { SampleQueue } from './sample-queue.js';

/** A stretch of audio, in whole milliseconds from its start. */
export interface SpanCut {
  readonly startMs: number;
  readonly endMs: number;
  /** How much of the span before is heard as well, since no pause was found between the two; 0 by default. */
  readonly leadMs?: number;
  /** How much of the span behind is heard as well; 0 by default. */
  readonly tailMs?: number;
}

/** A stretch of audio and its sound. */
export interface PcmSpan<Sound = Buffer> extends Required<SpanCut> {
  /** From 0, in time order within this audio. */
  readonly index: number;
  /** s16le mono at 16 kHz, from the start of the lead to the end of the tail. */
  readonly pcm: Sound;
}

/** How long spans are, in milliseconds. */
export interface SpanLengthOptions {
  /** How long a span is meant to be. */
  readonly targetMs?: number;
  /** No span but the last, or the only one, is shorter. */
  readonly minMs?: number;
  /** No span is longer; audio up to this length is one span. */
  readonly maxMs?: number;
  /** The last span is not shorter, unless it is the only one. */
  readonly shortestTailMs?: number;
}

export interface SpanPlanOptions extends SpanLengthOptions {
  /**
   * How far a span reaches into each neighbour where it had to be cut within speech; 2 s by default. It may be shorter
   * where the spans are, and is rounded down to frames of 32 ms.
   */
  readonly overlapMs?: number;
  /** Spans that were planned before, from the start of the audio in time order; the plan goes on behind them. */
  readonly planned?: readonly SpanCut[];
  /** Which of the spans planned before are wanted, by index; all by default. New ones always are. */
  readonly isWanted?: (index: number) => boolean;
}

/** Long enough to be cheap to route and to keep context, short enough to spread over engines and to redo. */
export const defaultSpanLengths = { targetMs: 120_000, minMs: 90_000, maxMs: 150_000, shortestTailMs: 15_000 } as const;

/**
 * Spans are cut at multiples of it, and overlap by multiples of it. It is the frame of Silero's voice detection (512 samples),
 * so that the embedded engine finds the same utterances in spans as in the whole.
 */
const GRID_MS = 32;

/** Some five words on each side: enough to find where two transcripts of them meet. */
export const DEFAULT_OVERLAP_MS = 2_016;

const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

/**
 * Cuts audio into spans while it comes in, at the quietest place near the target length.
 *
 * The spans follow each other without gap and begin on multiples of 32 ms; the last one's end is rounded up to the next.
 * Where there is no pause to cut in, both sides of the cut are heard by both spans. They depend on the samples alone and not
 * on how these come in chunks, so planning again gives the same.
 * Memory holds `maxMs` and `shortestTailMs` of audio and the span handed out. No audio gives no span. A half sample at the
 * end is dropped.
 *
 * @param pcm s16le mono at 16 kHz; pulled only as spans are; closed when the caller stops early
 */
export async function* planSpans(
  pcm: AsyncIterable<Uint8Array>,
  options: SpanPlanOptions = {},
): AsyncGenerator<PcmSpan, void, undefined> {
  const planner = new SpanPlanner(options, (sound) => Buffer.from(sound));
  for await (const chunk of pcm) {
    planner.append(chunk);
    for (let span = planner.next(false); span !== undefined; span = planner.next(false)) yield span;
  }
  for (let span = planner.next(true); span !== undefined; span = planner.next(true)) yield span;
}

/** A span that has begun, and of which some audio is there. */
export interface OpenedSpan {
  readonly index: number;
  readonly startMs: number;
  readonly leadMs: number;
}

/** The planning itself, free of waiting. */
export class SpanPlanner<Sound> {
  private readonly queue = new SampleQueue();
  private lengths: Required<SpanLengthOptions> = { ...defaultSpanLengths };
  private overlapMs = 0;
  private index = 0;
  /** Where the next span begins. */
  private startMs = 0;
  /** What the next span hears of the one before. */
  private leadMs = 0;
  /** Where the audio in the queue begins. */
  private queueMs = 0;

  /** @param copy takes the sound of a span out of memory that is about to be used again */
  constructor(
    private readonly options: SpanPlanOptions,
    private readonly copy: (sound: Buffer) => Sound,
  ) {
    this.measureBy(options);
  }

  /** Cuts by these lengths from now on. */
  measureBy(lengths: SpanLengthOptions): void {
    const { targetMs, minMs, maxMs, shortestTailMs } = { ...defaultSpanLengths, ...lengths };
    this.lengths = { targetMs, minMs, maxMs, shortestTailMs };
    // A span must not reach beyond its neighbours.
    this.overlapMs = onGrid(Math.min(this.options.overlapMs ?? DEFAULT_OVERLAP_MS, shortestTailMs, minMs / 2));
  }

  append(chunk: Uint8Array): void {
    this.queue.append(chunk);
  }

  /** How much audio of the next span and of what follows it has come in. */
  get availableMs(): number {
    return Math.max(0, this.queue.length / SAMPLES_PER_MS - this.leadMs);
  }

  /** The next span, where it is none that was planned before; it may turn out to have no audio. */
  get opening(): OpenedSpan | undefined {
    if (this.planned[this.index] !== undefined) return undefined;
    return { index: this.index, startMs: this.startMs, leadMs: this.leadMs };
  }

  /** Samples of the next span, from the start of its lead, that are in it wherever it will be cut. */
  get certainSamples(): number {
    return Math.min(this.queue.length, (this.leadMs + this.lengths.minMs) * SAMPLES_PER_MS);
  }

  /** Samples of the next span, without the first `from`. */
  certainSound(samples: number, from: number): Sound {
    return this.copy(this.queue.bytes(samples, from));
  }

  /**
   * The next span that can be told from what came in, or undefined.
   *
   * @param from how many of its samples, where it is none that was planned before, have been taken already
   */
  next(atEnd: boolean, from = 0): PcmSpan<Sound> | undefined {
    for (let cut = this.planned[this.index]; cut !== undefined; cut = this.planned[this.index]) {
      if (!this.skipTo(cut.startMs - (cut.leadMs ?? 0)) && !atEnd) return undefined;
      const wanted = this.options.isWanted?.(this.index) ?? true;
      if (wanted) return this.takePlanned(cut, atEnd);
      if (!this.skipTo(cut.endMs - (cut.tailMs ?? 0)) && !atEnd) return undefined;
      this.goOnBehind(cut);
    }
    return this.takeNew(atEnd, from);
  }

  private get planned(): readonly SpanCut[] {
    return this.options.planned ?? [];
  }

  /** Drops what lies before; false where not all of it has come in. */
  private skipTo(ms: number): boolean {
    const wantedSamples = Math.max(0, ms - this.queueMs) * SAMPLES_PER_MS;
    const samples = Math.min(wantedSamples, this.queue.length);
    this.queue.drop(samples);
    this.queueMs += samples / SAMPLES_PER_MS;
    return samples === wantedSamples;
  }

  private takePlanned(cut: SpanCut, atEnd: boolean): PcmSpan<Sound> | undefined {
    const { startMs, endMs, leadMs = 0, tailMs = 0 } = cut;
    const samples = (leadMs + endMs - startMs + tailMs) * SAMPLES_PER_MS;
    if (this.queue.length < samples && !atEnd) return undefined;
    const span = { index: this.index, startMs, endMs, leadMs, tailMs, pcm: this.copy(this.queue.bytes(samples)) };
    this.skipTo(endMs - tailMs);
    this.goOnBehind(cut);
    return span;
  }

  private goOnBehind({ endMs, tailMs = 0 }: SpanCut): void {
    this.index += 1;
    this.startMs = endMs;
    this.leadMs = tailMs;
  }

  private takeNew(atEnd: boolean, from: number): PcmSpan<Sound> | undefined {
    const { maxMs, shortestTailMs } = this.lengths;
    const available = this.queue.length - this.leadMs * SAMPLES_PER_MS;
    if (available <= 0) return undefined;
    if (available > maxMs * SAMPLES_PER_MS) {
      if (available < (maxMs + shortestTailMs) * SAMPLES_PER_MS && !atEnd) return undefined;
      return this.takeUpToPause(available, from);
    }
    return atEnd ? this.take(available, 0, from) : undefined;
  }

  private takeUpToPause(available: number, taken: number): PcmSpan<Sound> {
    const { targetMs, minMs, maxMs, shortestTailMs } = this.lengths;
    const from = minMs * SAMPLES_PER_MS;
    // The search looks no further than every run of the plan can, whatever the chunks.
    const seen = Math.min(available, (maxMs + shortestTailMs) * SAMPLES_PER_MS);
    const to = Math.max(from, Math.min(maxMs * SAMPLES_PER_MS, seen - shortestTailMs * SAMPLES_PER_MS));
    const target = targetMs * SAMPLES_PER_MS;
    const lead = this.leadMs * SAMPLES_PER_MS;
    const { place, isPause } = quietestPlace(this.queue.view().subarray(lead, lead + seen), {
      from,
      to,
      target,
      grid: GRID_MS * SAMPLES_PER_MS,
    });
    const room = onGrid((available - place) / SAMPLES_PER_MS);
    return this.take(place, isPause ? 0 : Math.min(this.overlapMs, room), taken);
  }

  private take(samples: number, tailMs: number, from: number): PcmSpan<Sound> {
    const { index, startMs, leadMs } = this;
    const endMs = startMs + Math.ceil(samples / SAMPLES_PER_MS);
    const pcm = this.copy(this.queue.bytes(samples + (leadMs + tailMs) * SAMPLES_PER_MS, from));
    this.skipTo(endMs - tailMs);
    this.goOnBehind({ startMs, endMs, tailMs });
    return { index, startMs, endMs, leadMs, tailMs, pcm };
  }
}

function onGrid(ms: number): number {
  return Math.floor(ms / GRID_MS) * GRID_MS;
}
