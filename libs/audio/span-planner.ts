import { SAMPLE_RATE_HZ } from '#contracts';
import { quietestPlace } from './quietest-place.js';
import { SampleQueue } from './sample-queue.js';

/** A stretch of audio, in whole milliseconds from its start. */
export interface SpanCut {
  readonly startMs: number;
  readonly endMs: number;
}

/** A stretch of audio and its sound. */
export interface PcmSpan extends SpanCut {
  /** From 0, in time order within this audio. */
  readonly index: number;
  /** s16le mono at 16 kHz. */
  readonly pcm: Buffer;
}

export interface SpanPlanOptions {
  /** How long a span is meant to be. */
  readonly targetMs?: number;
  /** No span but the last, or the only one, is shorter. */
  readonly minMs?: number;
  /** No span is longer; audio up to this length is one span. */
  readonly maxMs?: number;
  /** The last span is not shorter, unless it is the only one. */
  readonly shortestTailMs?: number;
  /** Spans that were planned before, from the start of the audio in time order; the plan goes on behind them. */
  readonly planned?: readonly SpanCut[];
  /** Which of the spans planned before are wanted, by index; all by default. New ones always are. */
  readonly isWanted?: (index: number) => boolean;
}

/** Long enough to be cheap to route and to keep context, short enough to spread over engines and to redo. */
export const defaultSpanLengths = { targetMs: 120_000, minMs: 90_000, maxMs: 150_000, shortestTailMs: 15_000 } as const;

const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

/**
 * Cuts audio into spans while it comes in, at the quietest place near the target length.
 *
 * The spans follow each other without gap and overlap and begin on whole milliseconds; the last one's end is rounded up
 * to the next. They depend on the samples alone and not on how these come in chunks, so planning again gives the same.
 * Memory holds `maxMs` and `shortestTailMs` of audio and the span handed out. No audio gives no span. A half sample at the
 * end is dropped.
 *
 * @param pcm s16le mono at 16 kHz; pulled only as spans are; closed when the caller stops early
 */
export async function* planSpans(
  pcm: AsyncIterable<Uint8Array>,
  options: SpanPlanOptions = {},
): AsyncGenerator<PcmSpan, void, undefined> {
  const planner = new SpanPlanner(options);
  for await (const chunk of pcm) {
    planner.append(chunk);
    for (let span = planner.next(false); span !== undefined; span = planner.next(false)) yield span;
  }
  for (let span = planner.next(true); span !== undefined; span = planner.next(true)) yield span;
}

/** The planning itself, free of waiting. */
class SpanPlanner {
  private readonly queue = new SampleQueue();
  private readonly lengths: Required<Pick<SpanPlanOptions, keyof typeof defaultSpanLengths>>;
  private index = 0;
  private startMs = 0;

  constructor(private readonly options: SpanPlanOptions) {
    const { targetMs, minMs, maxMs, shortestTailMs } = { ...defaultSpanLengths, ...options };
    this.lengths = { targetMs, minMs, maxMs, shortestTailMs };
  }

  append(chunk: Uint8Array): void {
    this.queue.append(chunk);
  }

  /** The next span that can be told from what came in, or undefined. */
  next(atEnd: boolean): PcmSpan | undefined {
    for (let cut = this.planned[this.index]; cut !== undefined; cut = this.planned[this.index]) {
      if (!this.skipTo(cut.startMs) && !atEnd) return undefined;
      const wanted = this.options.isWanted?.(this.index) ?? true;
      if (wanted) return this.takePlanned(cut, atEnd);
      if (!this.skipTo(cut.endMs) && !atEnd) return undefined;
      this.index++;
    }
    return this.takeNew(atEnd);
  }

  private get planned(): readonly SpanCut[] {
    return this.options.planned ?? [];
  }

  /** Drops what lies before; false where not all of it has come in. */
  private skipTo(ms: number): boolean {
    const wantedSamples = Math.max(0, ms - this.startMs) * SAMPLES_PER_MS;
    const samples = Math.min(wantedSamples, this.queue.length);
    this.queue.drop(samples);
    this.startMs += samples / SAMPLES_PER_MS;
    return samples === wantedSamples;
  }

  private takePlanned(cut: SpanCut, atEnd: boolean): PcmSpan | undefined {
    const samples = (cut.endMs - cut.startMs) * SAMPLES_PER_MS;
    if (this.queue.length < samples && !atEnd) return undefined;
    const pcm = this.queue.take(samples);
    this.startMs = cut.endMs;
    return { index: this.index++, startMs: cut.startMs, endMs: cut.endMs, pcm };
  }

  private takeNew(atEnd: boolean): PcmSpan | undefined {
    const { maxMs, shortestTailMs } = this.lengths;
    const available = this.queue.length;
    if (available === 0) return undefined;
    if (available > maxMs * SAMPLES_PER_MS) {
      if (available < (maxMs + shortestTailMs) * SAMPLES_PER_MS && !atEnd) return undefined;
      return this.takeUpToPause(available);
    }
    return atEnd ? this.take(available) : undefined;
  }

  private takeUpToPause(available: number): PcmSpan {
    const { targetMs, minMs, maxMs, shortestTailMs } = this.lengths;
    const from = minMs * SAMPLES_PER_MS;
    // The search looks no further than every run of the plan can, whatever the chunks.
    const seen = Math.min(available, (maxMs + shortestTailMs) * SAMPLES_PER_MS);
    const to = Math.max(from, Math.min(maxMs * SAMPLES_PER_MS, seen - shortestTailMs * SAMPLES_PER_MS));
    const target = targetMs * SAMPLES_PER_MS;
    return this.take(quietestPlace(this.queue.view().subarray(0, seen), { from, to, target }));
  }

  private take(samples: number): PcmSpan {
    const startMs = this.startMs;
    this.startMs += Math.ceil(samples / SAMPLES_PER_MS);
    return { index: this.index++, startMs, endMs: this.startMs, pcm: this.queue.take(samples) };
  }
}
