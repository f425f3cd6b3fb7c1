import { decodePcm, type FfmpegSettings, type MediaInfo, PIECE_BYTES, planSpans } from '#audio';
import { pcmBytesToMs, type Span, type TranscriptWarning } from '#contracts';
import { interleave } from './interleave.js';
import type { SpanWork } from './job-run.js';
import type { SpanLengths } from './span-lengths.js';
import type { SpanPlace } from './span-segments.js';

/** What is told of a span. */
export type PlacedSpan = SpanPlace & { readonly endMs: number };

export interface MediaPlan {
  readonly path: string;
  readonly settings: FfmpegSettings;
  /** Channels to be kept apart, from 0; undefined mixes them. */
  readonly channels: readonly number[] | undefined;
  /** The whole of a channel in one span. */
  readonly whole: boolean;
  /** How long spans are otherwise. */
  readonly lengths: SpanLengths;
  /** What an earlier attempt has planned; it is kept to, so that what is done fits. */
  readonly planned: readonly Span[];
  /** Whether the last of these may have been planned before its end was known: it is cut anew unless it is done. */
  readonly mayEndOpen?: boolean;
  /** Told of each span before it is given. */
  onSpan(span: PlacedSpan): void;
  onWarning(warning: TranscriptWarning): void;
  /** Told what the headers say, where reading the file told it. */
  readonly onInfo?: (info: MediaInfo) => void;
}

/**
 * The spans of a media file that are still to be done, cut while it is decoded. With channels apart, span `n` of channel
 * `c` has the index `n` times the number of channels plus `c`: the same in every attempt.
 */
export function mediaSpans(plan: MediaPlan, signal: AbortSignal): AsyncIterable<SpanWork> {
  const lanes: readonly (number | undefined)[] = plan.channels ?? [undefined];
  const make = plan.whole ? wholeLane : cutLane;
  return interleave(lanes.map((channel) => make(plan, channel, lanes.length, signal)));
}

async function* cutLane(
  plan: MediaPlan,
  channel: number | undefined,
  channelCount: number,
  signal: AbortSignal,
): AsyncGenerator<SpanWork> {
  const before = byIndex(plan.planned.filter((span) => span.channel === channel));
  const cuts = planSpans(decode(plan, channel, signal), {
    ...plan.lengths,
    planned: plan.mayEndOpen === true ? withoutOpenEnd(before) : before,
    isWanted: (index) => before[index]?.state !== 'done',
  });
  for await (const { index, pcm, ...extent } of cuts) {
    const place = placeOf({ index: index * channelCount + (channel ?? 0), ...extent, channelCount }, channel);
    plan.onSpan(place);
    yield {
      ...place,
      lengthMs: extent.leadMs + extent.endMs - extent.startMs + extent.tailMs,
      heldBytes: pcm.length,
      begun: before[index]?.state === 'running',
      audio: () => pieces(pcm),
    };
  }
}

/** In time order. */
export function byIndex(spans: readonly Span[]): Span[] {
  return spans.toSorted((a, b) => a.index - b.index);
}

/** Those of which it is certain where they end: all but the last, where that is not done. */
export function withoutOpenEnd(before: readonly Span[]): readonly Span[] {
  return before.at(-1)?.state === 'done' ? before : before.slice(0, -1);
}

async function* wholeLane(
  plan: MediaPlan,
  channel: number | undefined,
  channelCount: number,
  signal: AbortSignal,
): AsyncGenerator<SpanWork> {
  const index = channel ?? 0;
  const before = plan.planned.find((span) => span.index === index);
  if (before?.state === 'done') return;
  // Headers may say anything; a file is decoded a thousand times faster than it plays.
  const endMs = before?.endMs ?? (await measure(decode(plan, channel, signal)));
  const place = placeOf({ index, startMs: 0, endMs, channelCount }, channel);
  plan.onSpan(place);
  yield {
    ...place,
    lengthMs: endMs,
    heldBytes: 0,
    begun: before?.state === 'running',
    audio: (callSignal) => decode(plan, channel, callSignal),
  };
}

function placeOf<T extends SpanPlace>(place: T, channel: number | undefined): T {
  return channel === undefined ? place : { ...place, channel };
}

export function decode(
  plan: Pick<MediaPlan, 'path' | 'settings' | 'onWarning' | 'onInfo'>,
  channel: number | undefined,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  return decodePcm(plan.path, {
    settings: plan.settings,
    signal,
    ...(channel === undefined ? {} : { channel }),
    onWarning: (warning) => plan.onWarning(warning),
    ...(plan.onInfo === undefined ? {} : { onInfo: plan.onInfo }),
  });
}

async function measure(pcm: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of pcm) bytes += chunk.length;
  return Math.ceil(pcmBytesToMs(bytes));
}

async function* pieces(pcm: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < pcm.length; at += PIECE_BYTES) {
    yield await Promise.resolve(pcm.subarray(at, at + PIECE_BYTES));
  }
}
