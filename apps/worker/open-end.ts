import type { EngineSegment } from '#contracts';
import type { SpanWork } from './job-run.js';
import type { SpanExtent } from './span-joints.js';
import { heardFromMs } from './span-segments.js';

/** How long the audio of a span is, as far as that is known by now. */
export function knownLengthMs({ lengthMs, startMs, leadMs = 0, open }: SpanWork): number | undefined {
  const end = open?.now();
  return end ? leadMs + end.endMs - startMs + end.tailMs : lengthMs;
}

/** How long the audio of a span is, or may become; undefined where nobody knows. */
export function longestMs(work: SpanWork): number | undefined {
  return knownLengthMs(work) ?? work.open?.longestMs;
}

/** A span with its end. @throws what kept it from being known */
export async function withEnd(work: SpanWork): Promise<SpanWork> {
  return work.open ? { ...work, ...(await work.open.known) } : work;
}

/**
 * A span as it has to be known to place a segment in it: where the segment lies before all that is uncertain of the span, its
 * end may still be open. Waiting for the end is waiting for the decoder, never for the engine.
 */
export async function withEndFor(work: SpanWork, { endMs, words }: EngineSegment): Promise<SpanWork> {
  const { open } = work;
  if (!open) return work;
  const end = open.now();
  if (end) return { ...work, ...end };
  const toMs = heardFromMs(work) + Math.max(endMs, words?.at(-1)?.endMs ?? 0);
  return toMs <= open.ownToMs() ? work : withEnd(work);
}

/** Where a span lies, as far as is known. */
export function extentOf({ index, startMs, endMs, leadMs = 0, tailMs = 0, open }: SpanWork): SpanExtent {
  return { index, startMs, endMs: endMs ?? Infinity, leadMs, tailMs, ...open?.now() };
}
