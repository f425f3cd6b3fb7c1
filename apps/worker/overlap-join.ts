import type { TranscriptSegment } from '#contracts';
import { type SpokenToken, tokensOf } from './spoken-tokens.js';

/** What two neighbouring spans both heard: `reachMs` before the cut and as much behind it. */
export interface Overlap {
  readonly cutMs: number;
  readonly reachMs: number;
}

export interface JoinedSides {
  readonly before: readonly TranscriptSegment[];
  readonly after: readonly TranscriptSegment[];
}

/** Times of words that an engine gives may be off by so much, and those that are guessed from a segment's. */
const TIMED = { windowMs: 300, shiftMs: 1_000 } as const;
const GUESSED = { windowMs: 2_000, shiftMs: 3_000 } as const;

/** Words of one side that are compared at most: more are not spoken in so short a time. */
const MAX_TOKENS = 400;

/** What a pair of equal words brings, what it costs that they are apart in time, and what a word without a partner costs. */
const MATCH = 2;
const APART = 1.5;
const GAP = -0.75;
const MISMATCH = -1;

/** A pair that stands alone may be chance: one with neighbours is taken although it is that much further from the cut. */
const ALONE_MS = 1_000;

/**
 * Joins what two spans made of the audio that both heard, so that every word of it stands in the transcript once.
 *
 * The words of both are aligned, and the transcript goes over from one to the other at the pair of equal words that is
 * nearest to the cut: at their far ends both have heard only parts of words. Without any pair it goes over at the cut by
 * the times of the words. Where only one side has text there, all of that is kept. Segments that do not reach into the
 * overlap stay as they are.
 */
export function joinOverlap(
  before: readonly TranscriptSegment[],
  after: readonly TranscriptSegment[],
  overlap: Overlap,
): JoinedSides {
  const { cutMs, reachMs } = overlap;
  const firstHeld = before.findIndex((segment) => reachesPast(segment, cutMs - reachMs));
  const kept = firstHeld === -1 ? before : before.slice(0, firstHeld);
  const tail = firstHeld === -1 ? [] : before.slice(firstHeld);
  const head = after.filter((segment) => startsBefore(segment, cutMs + reachMs));
  const rest = after.slice(head.length);
  const [left, right] = [tokensOf(tail), tokensOf(head)];
  const seam = seamOf(left, right, overlap);
  const endOfBefore = trimEnd(tail, left, seam.left);
  const startOfAfter = trimStart(head, right, seam.right);
  return { before: [...kept, ...endOfBefore], after: [...inOrder(startOfAfter, endOfBefore.at(-1)), ...rest] };
}

/** Whether a segment has to do with what lies behind that time. */
export function reachesPast({ endMs }: TranscriptSegment, ms: number): boolean {
  return endMs > ms;
}

/** Whether a segment has to do with what lies before that time. */
export function startsBefore({ startMs }: TranscriptSegment, ms: number): boolean {
  return startMs < ms;
}

/** How many words of the left side are kept, and how many of the right side are not. */
interface Seam {
  readonly left: number;
  readonly right: number;
}

function seamOf(left: readonly SpokenToken[], right: readonly SpokenToken[], { cutMs, reachMs }: Overlap): Seam {
  const isLeftIn = (token: SpokenToken) => middle(token) >= cutMs - reachMs - limitsOf(token).windowMs;
  const isRightIn = (token: SpokenToken) => middle(token) <= cutMs + reachMs + limitsOf(token).windowMs;
  const from = Math.max(left.findIndex(isLeftIn), left.length - MAX_TOKENS);
  const a = left.some(isLeftIn) ? left.slice(from) : [];
  const b = right.slice(0, Math.min(MAX_TOKENS, right.findLastIndex(isRightIn) + 1));
  if (a.length === 0 || b.length === 0) return { left: left.length, right: 0 };
  const pair = bestPair(alignOverlap(a, b), a, b, cutMs);
  if (pair) return { left: from + pair.a + 1, right: pair.b + 1 };
  const byTime = (tokens: readonly SpokenToken[]) => tokens.filter((token) => middle(token) < cutMs).length;
  return { left: from + byTime(a), right: byTime(b) };
}

interface Pair {
  readonly a: number;
  readonly b: number;
}

/**
 * The pairs of equal words of the best alignment of the end of `a` with the start of `b`: words of `a` before it and of `b`
 * behind it cost nothing, since only one of the two has heard them.
 */
function alignOverlap(a: readonly SpokenToken[], b: readonly SpokenToken[]): Pair[] {
  const width = b.length + 1;
  const scores = new Float64Array((a.length + 1) * width);
  for (let j = 1; j < width; j += 1) scores[j] = j * GAP;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j < width; j += 1) {
      scores[i * width + j] = Math.max(
        (scores[(i - 1) * width + j - 1] ?? 0) + pairScore(a[i - 1], b[j - 1]),
        (scores[(i - 1) * width + j] ?? 0) + GAP,
        (scores[i * width + j - 1] ?? 0) + GAP,
      );
    }
  }
  const last = scores.subarray(a.length * width);
  let j = last.indexOf(Math.max(...last));
  let i = a.length;
  const pairs: Pair[] = [];
  while (i > 0 && j > 0) {
    const score = scores[i * width + j] ?? 0;
    const step = pairScore(a[i - 1], b[j - 1]);
    if (score === (scores[(i - 1) * width + j - 1] ?? 0) + step) {
      i -= 1;
      j -= 1;
      if (step > 0) pairs.unshift({ a: i, b: j });
    } else if (score === (scores[(i - 1) * width + j] ?? 0) + GAP) i -= 1;
    else j -= 1;
  }
  return pairs;
}

function pairScore(a: SpokenToken | undefined, b: SpokenToken | undefined): number {
  if (!a || !b || a.norm === '' || a.norm !== b.norm) return MISMATCH;
  const apartMs = Math.abs(middle(a) - middle(b));
  const { shiftMs } = a.isTimed && b.isTimed ? TIMED : GUESSED;
  return apartMs > shiftMs ? MISMATCH : MATCH - (APART * apartMs) / shiftMs;
}

function bestPair(
  pairs: readonly Pair[],
  a: readonly SpokenToken[],
  b: readonly SpokenToken[],
  cutMs: number,
): Pair | undefined {
  const cost = (pair: Pair, index: number) => {
    const [left, right] = [a[pair.a], b[pair.b]];
    const when = left && right ? (middle(left) + middle(right)) / 2 : Infinity;
    const hasNeighbour = isNext(pairs[index - 1], pair) || isNext(pair, pairs[index + 1]);
    return Math.abs(when - cutMs) + (hasNeighbour ? 0 : ALONE_MS);
  };
  const costs = pairs.map(cost);
  return pairs[costs.indexOf(Math.min(...costs))];
}

function isNext(one: Pair | undefined, other: Pair | undefined): boolean {
  if (!one || !other) return false;
  return one.a + 1 === other.a && one.b + 1 === other.b;
}

/** The segments with their first `count` words. */
function trimEnd(
  segments: readonly TranscriptSegment[],
  tokens: readonly SpokenToken[],
  count: number,
): TranscriptSegment[] {
  if (count >= tokens.length) return [...segments];
  const last = tokens[count - 1];
  if (!last) return [];
  return segments.slice(0, last.segment + 1).map((segment, index) => {
    if (index !== last.segment || tokens[count]?.segment !== index) return segment;
    const endMs = Math.min(segment.endMs, Math.max(segment.startMs, Math.round(last.endMs)));
    return { ...segment, endMs, text: segment.text.slice(0, last.to), ...firstWords(segment, tokens, last) };
  });
}

/** The segments without their first `count` words. */
function trimStart(
  segments: readonly TranscriptSegment[],
  tokens: readonly SpokenToken[],
  count: number,
): TranscriptSegment[] {
  if (count === 0) return [...segments];
  const first = tokens[count];
  if (!first) return [];
  return segments.slice(first.segment).map((segment, index) => {
    if (index > 0 || first.place === 0) return segment;
    const startMs = Math.max(segment.startMs, Math.min(segment.endMs, Math.round(first.startMs)));
    return { ...segment, startMs, text: segment.text.slice(first.from), ...lastWords(segment, tokens, first) };
  });
}

function firstWords(
  segment: TranscriptSegment,
  tokens: readonly SpokenToken[],
  last: SpokenToken,
): Pick<TranscriptSegment, 'words'> {
  if (segment.words === undefined) return {};
  if (segment.words.length === countIn(tokens, last.segment)) return { words: segment.words.slice(0, last.place + 1) };
  return { words: segment.words.filter(({ startMs, endMs }) => (startMs + endMs) / 2 <= last.endMs) };
}

function lastWords(
  segment: TranscriptSegment,
  tokens: readonly SpokenToken[],
  first: SpokenToken,
): Pick<TranscriptSegment, 'words'> {
  if (segment.words === undefined) return {};
  if (segment.words.length === countIn(tokens, first.segment)) return { words: segment.words.slice(first.place) };
  return { words: segment.words.filter(({ startMs, endMs }) => (startMs + endMs) / 2 >= first.startMs) };
}

function countIn(tokens: readonly SpokenToken[], segment: number): number {
  return tokens.filter((token) => token.segment === segment).length;
}

/** Guessed times may put the first words behind the seam before the last ones in front of it; readers go by time. */
function inOrder(segments: readonly TranscriptSegment[], last: TranscriptSegment | undefined): TranscriptSegment[] {
  if (!last) return [...segments];
  return segments.map((segment) => {
    if (segment.startMs >= last.endMs) return segment;
    const startMs = Math.max(last.startMs, Math.min(last.endMs, segment.endMs));
    return { ...segment, startMs, endMs: Math.max(startMs, segment.endMs) };
  });
}

function middle({ startMs, endMs }: SpokenToken): number {
  return (startMs + endMs) / 2;
}

function limitsOf({ isTimed }: SpokenToken): typeof TIMED | typeof GUESSED {
  return isTimed ? TIMED : GUESSED;
}
