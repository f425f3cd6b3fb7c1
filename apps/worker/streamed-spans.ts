import { type StreamedSpan, streamSpans } from '#audio';
import type { OpenEnd, SpanWork } from './job-run.js';
import { byIndex, decode, type MediaPlan, type PlacedSpan, withoutOpenEnd } from './media-spans.js';
import type { SpanLengths } from './span-lengths.js';

/** What spans will be like, which is known before their lengths are. */
export interface StreamBounds {
  /** None but the last is shorter. */
  readonly soonestMs: number;
  /** None is longer. */
  readonly longestMs: number;
}

export interface StreamPlan extends Pick<MediaPlan, 'path' | 'settings' | 'planned' | 'onWarning' | 'onInfo'> {
  readonly bounds: StreamBounds;
  /** How long they are meant to be; asked for when more audio than the shortest has come. */
  lengths(): Promise<SpanLengths>;
  /**
   * Told of each span before it is given. One whose end is not known then is said to be as long as it may become; of its end
   * it is told as soon as that is known.
   */
  onSpan(span: PlacedSpan, end: 'open' | 'known'): void;
}

/**
 * The spans of a recording that are still to be done, its channels mixed, each given as soon as it has begun and while it is
 * decoded: an engine has the first words before the decoder has the last.
 *
 * Of what earlier attempts have planned the last span is cut anew unless it is done: its end may never have been known. Cuts
 * depend on nothing but the audio and the lengths, and no span that was planned lies behind it.
 */
export async function* streamedSpans(plan: StreamPlan, signal: AbortSignal): AsyncGenerator<SpanWork> {
  const before = byIndex(plan.planned);
  const spans = streamSpans(decode(plan, undefined, signal), {
    soonestMs: plan.bounds.soonestMs,
    lengths: () => plan.lengths(),
    planned: withoutOpenEnd(before),
    isWanted: (index) => before[index]?.state !== 'done',
  });
  for await (const span of spans) {
    const { index, startMs, leadMs, sound } = span;
    const place = { index, startMs, leadMs, channelCount: 1 };
    const common = {
      begun: before[index]?.state === 'running',
      audio: (call: AbortSignal) => sound.read(call),
      release: () => sound.release(),
    };
    if (span.end) {
      plan.onSpan({ ...place, ...span.end }, 'known');
      const lengthMs = leadMs + span.end.endMs - startMs + span.end.tailMs;
      yield { ...place, ...span.end, ...common, lengthMs, heldBytes: lengthMs * BYTES_PER_MS };
      continue;
    }
    const { longestMs = plan.bounds.longestMs } = span;
    plan.onSpan({ ...place, endMs: startMs + longestMs }, 'open');
    const open = openEnd(plan, span, { ...place, longestMs });
    const heldBytes = (leadMs + longestMs) * BYTES_PER_MS;
    yield { ...place, ...common, endMs: undefined, lengthMs: undefined, open, heldBytes };
  }
}

const BYTES_PER_MS = 32;

function openEnd(
  plan: StreamPlan,
  span: StreamedSpan,
  { longestMs, ...place }: Omit<PlacedSpan, 'endMs'> & { longestMs: number },
): OpenEnd {
  let now: Awaited<StreamedSpan['ends']> | undefined;
  const known = span.ends.then((end) => {
    plan.onSpan({ ...place, ...end }, 'known');
    now = end;
    return end;
  });
  // Whoever works on the span is told; nobody may.
  known.catch(() => undefined);
  return {
    known,
    now: () => now,
    ownToMs: () => Math.min(span.ownToMs, span.startMs - span.leadMs + span.sound.lengthMs),
    longestMs,
  };
}
