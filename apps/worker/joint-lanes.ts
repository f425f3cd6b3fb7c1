import type { Span } from '#contracts';
import type { SpanWork } from './job-run.js';
import { type MediaPlan, mediaSpans } from './media-spans.js';

/** Which of the engines that work on a recording side by side, and what the recording is for each of them. */
export interface LanePlace {
  /** From 0. */
  readonly lane: number;
  /** How many engines there are. */
  readonly lanes: number;
  /** How many channels are kept apart; 1 when they are mixed. */
  readonly channels: number;
}

/**
 * A job's spans lie lane by lane within each stretch of audio, and channel by channel within each lane: the same stretch has
 * the same boundaries in all lanes, so that what the engines wrote can be compared stretch by stretch.
 *
 * @param own index of the span among those of its lane
 */
export function jobIndex(own: number, { lane, lanes, channels }: LanePlace): number {
  const stretch = Math.floor(own / channels);
  return (stretch * lanes + lane) * channels + (own % channels);
}

/** The other way round: undefined for a span of another lane. */
export function ownIndex(index: number, { lane, lanes, channels }: LanePlace): number | undefined {
  const row = Math.floor(index / channels);
  return row % lanes === lane ? Math.floor(row / lanes) * channels + (index % channels) : undefined;
}

/**
 * The spans of one lane that are still to be done, by their indexes in the job.
 *
 * @param plan with what earlier attempts planned in all lanes: an attempt that ended early had got further in some
 */
export function laneSpans(plan: MediaPlan, place: LanePlace, signal: AbortSignal): AsyncIterable<SpanWork> {
  const own = mediaSpans(
    {
      ...plan,
      planned: plannedFor(plan.planned, place),
      onSpan: (span) => plan.onSpan({ ...span, index: jobIndex(span.index, place) }),
    },
    signal,
  );
  return inJob(own, place);
}

async function* inJob(spans: AsyncIterable<SpanWork>, place: LanePlace): AsyncGenerator<SpanWork> {
  for await (const span of spans) yield { ...span, index: jobIndex(span.index, place) };
}

/** What is planned for a lane, cut where any lane was: a lane that had not come so far takes the others' boundaries. */
export function plannedFor(planned: readonly Span[], place: LanePlace): Span[] {
  const spans = new Map<number, Span>();
  for (let lane = 0; lane < place.lanes; lane++) {
    for (const span of planned) {
      const index = ownIndex(span.index, { ...place, lane });
      if (index === undefined) continue;
      if (lane === place.lane) spans.set(index, { ...span, index });
      else if (!spans.has(index)) spans.set(index, { ...span, index, state: 'planned' });
    }
  }
  return [...spans.values()].toSorted((a, b) => a.index - b.index);
}
