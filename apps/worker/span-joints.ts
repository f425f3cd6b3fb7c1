import type { SpanState, TranscriptSegment } from '#contracts';
import { joinOverlap, reachesPast, startsBefore } from './overlap-join.js';

/** Where a span lies and how far it reaches into its neighbours, in milliseconds. */
export interface SpanExtent {
  readonly index: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly leadMs: number;
  readonly tailMs: number;
}

/** A span that is done while a neighbour of it that heard the same is not. */
export interface OpenSpan extends SpanExtent {
  readonly segments: readonly TranscriptSegment[];
  /** Which of its overlaps are still to be joined. */
  readonly isOpenBefore: boolean;
  readonly isOpenBehind: boolean;
}

/** What is to be written and told when a span has ended. */
export interface Settlement {
  /** The span's own segments, joined as far as its neighbours are done. */
  readonly segments: readonly TranscriptSegment[];
  /** Neighbours that became others by that. */
  readonly neighbours: readonly { readonly index: number; readonly segments: readonly TranscriptSegment[] }[];
  /** Spans whose overlap with the one before is joined now. */
  readonly joined: readonly number[];
  /** Segments that are final now and were held back before. */
  readonly final: readonly TranscriptSegment[];
}

/**
 * The overlaps of a job's spans. Segments that reach into one are told to nobody until both spans that heard it are done,
 * in whatever order, and each word of it is in one of them.
 */
export class SpanJoints {
  /** Spans that are done and wait for a neighbour. */
  private readonly open = new Map<number, OpenSpan>();
  private settling: Promise<unknown> = Promise.resolve();

  /**
   * @param stride from the index of a span to that of the next one of its channel
   * @param open what earlier attempts have left open
   */
  constructor(
    private readonly stride: number,
    open: readonly OpenSpan[] = [],
  ) {
    for (const span of open) this.open.set(span.index, span);
  }

  /** Segments of spans that were left open which nothing can change any more. */
  told(): { readonly index: number; readonly segments: readonly TranscriptSegment[] }[] {
    return [...this.open.values()].map((span) => ({
      index: span.index,
      segments: span.segments.filter((segment) => !isHeld(span, segment)),
    }));
  }

  /** Whether a segment of a span that is in work is final as it stands. */
  isFinal(span: SpanExtent, segment: TranscriptSegment): boolean {
    return !isHeld(asOpen(span, []), segment);
  }

  /**
   * Joins a span that has ended with its neighbours that have. One span after the other: the next one finds what the
   * one before has written.
   *
   * @param write must have written the settlement when it resolves
   */
  async settle(
    extent: SpanExtent,
    segments: readonly TranscriptSegment[],
    write: (settlement: Settlement) => Promise<void>,
  ): Promise<void> {
    const turn = this.settling.then(() => this.settleNow(asOpen(extent, segments), write));
    this.settling = turn.catch(() => undefined);
    await turn;
  }

  private async settleNow(span: OpenSpan, write: (settlement: Settlement) => Promise<void>): Promise<void> {
    const before = span.isOpenBefore ? this.open.get(span.index - this.stride) : undefined;
    const behind = span.isOpenBehind ? this.open.get(span.index + this.stride) : undefined;
    let own = span;
    const neighbours: OpenSpan[] = [];
    const final: TranscriptSegment[] = [];
    if (before) {
      const sides = joinOverlap(before.segments, own.segments, { cutMs: own.startMs, reachMs: own.leadMs });
      const joined = { ...before, segments: sides.before, isOpenBehind: false };
      neighbours.push(joined);
      final.push(...newlyFinal(before, joined));
      own = { ...own, segments: sides.after, isOpenBefore: false };
    }
    let later: OpenSpan | undefined;
    if (behind) {
      const sides = joinOverlap(own.segments, behind.segments, { cutMs: own.endMs, reachMs: own.tailMs });
      later = { ...behind, segments: sides.after, isOpenBefore: false };
      neighbours.push(later);
      own = { ...own, segments: sides.before, isOpenBehind: false };
    }
    final.push(...newlyFinal(span, own));
    if (behind && later) final.push(...newlyFinal(behind, later));
    const joined = [...(before ? [span.index] : []), ...(behind ? [behind.index] : [])];
    await write({ segments: own.segments, neighbours, joined, final });
    for (const each of [own, ...neighbours]) this.keep(each);
  }

  private keep(span: OpenSpan): void {
    if (span.isOpenBefore || span.isOpenBehind) this.open.set(span.index, span);
    else this.open.delete(span.index);
  }
}

function asOpen(extent: SpanExtent, segments: readonly TranscriptSegment[]): OpenSpan {
  return { ...extent, segments, isOpenBefore: extent.leadMs > 0, isOpenBehind: extent.tailMs > 0 };
}

function isHeld(span: OpenSpan, segment: TranscriptSegment): boolean {
  return (
    (span.isOpenBefore && startsBefore(segment, span.startMs + span.leadMs)) ||
    (span.isOpenBehind && reachesPast(segment, span.endMs - span.tailMs))
  );
}

/** What was held back before and is no longer; joining changes times, so the ids tell which those are. */
function newlyFinal(before: OpenSpan, now: OpenSpan): TranscriptSegment[] {
  const wereHeld = new Set(before.segments.filter((segment) => isHeld(before, segment)).map(({ id }) => id));
  const areHeld = new Set(
    before.segments.filter((segment) => isHeld({ ...before, ...openings(now) }, segment)).map(({ id }) => id),
  );
  return now.segments.filter(({ id }) => wereHeld.has(id) && !areHeld.has(id));
}

function openings({ isOpenBefore, isOpenBehind }: OpenSpan): Pick<OpenSpan, 'isOpenBefore' | 'isOpenBehind'> {
  return { isOpenBefore, isOpenBehind };
}

/** A span as an earlier attempt left it. */
export interface EarlierSpan extends Omit<SpanExtent, 'leadMs' | 'tailMs'> {
  readonly leadMs?: number;
  readonly tailMs?: number;
  readonly state: SpanState;
  /** Whether its overlap with the span before is joined. */
  readonly isJoined: boolean;
}

/** The spans that an earlier attempt has done and not yet joined with both neighbours. */
export async function openSpans(
  spans: readonly EarlierSpan[],
  stride: number,
  load: (indexes: readonly number[]) => Promise<readonly TranscriptSegment[]>,
): Promise<OpenSpan[]> {
  const joined = new Set(spans.filter(({ isJoined }) => isJoined).map(({ index }) => index));
  const open = spans.flatMap(({ index, startMs, endMs, leadMs = 0, tailMs = 0, state }) => {
    const isOpenBefore = leadMs > 0 && !joined.has(index);
    const isOpenBehind = tailMs > 0 && !joined.has(index + stride);
    if (state !== 'done' || !(isOpenBefore || isOpenBehind)) return [];
    return [{ index, startMs, endMs, leadMs, tailMs, isOpenBefore, isOpenBehind }];
  });
  if (open.length === 0) return [];
  const segments = await load(open.map(({ index }) => index));
  return open.map((span) => ({ ...span, segments: segments.filter((segment) => segment.span === span.index) }));
}
