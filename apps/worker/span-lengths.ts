import { defaultSpanLengths } from '#audio';

/** Lengths to cut a recording by, in milliseconds; see `SpanPlanOptions`. */
export interface SpanLengths {
  readonly targetMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly shortestTailMs: number;
}

export interface SpanDemand {
  /** All the audio that is to be cut, channels added up; undefined while it is not known. */
  readonly audioMs: number | undefined;
  /** How many calls could be served side by side now. */
  readonly places: number;
  /** The longest piece that each suitable instance takes; undefined for one without a limit. */
  readonly limitsMs: readonly (number | undefined)[];
}

/**
 * No shorter for the sake of spreading: engines of the Whisper family work in windows of 30 s, and each cut costs context.
 */
const SHORTEST_TARGET_MS = 30_000;

/** A span is cut at the best place within a quarter of its target length. */
const LEEWAY = 0.25;

/**
 * Where all places are to be done at about the same time, within a tenth: that bends the end of a long recording least. Less
 * than so much holds no end of a sentence for certain.
 */
const EVEN_LEEWAY = 0.1;
const LEAST_LEEWAY_MS = 7_500;

/** Shorter recordings are not cut for the sake of spreading: their text comes soon enough. */
const SHORTEST_SPREAD_MS = 60_000;

/**
 * How long spans are meant to be: as long as by default, shorter where an engine takes no more in one piece, and shorter
 * where all places would otherwise not be used evenly. An engine that takes only short pieces is left out as long as others
 * take longer ones.
 */
export function spanLengths({ audioMs, places, limitsMs }: SpanDemand): SpanLengths {
  const longestMs = Math.min(defaultSpanLengths.maxMs, limitOf(limitsMs)) / (1 + LEEWAY);
  if (audioMs === undefined || places <= 1 || audioMs < SHORTEST_SPREAD_MS)
    return around(longestMs, LEEWAY * longestMs);
  const shareMs = evenShare(audioMs, places, longestMs);
  return around(shareMs, Math.min(LEEWAY * shareMs, Math.max(EVEN_LEEWAY * shareMs, LEAST_LEEWAY_MS)));
}

function around(targetMs: number, leewayMs: number): SpanLengths {
  return {
    targetMs: Math.floor(targetMs),
    minMs: Math.floor(targetMs - leewayMs),
    maxMs: Math.floor(targetMs + leewayMs),
    shortestTailMs: Math.floor(targetMs / 8),
  };
}

/** Lengths below which spans are not cut for the sake of spreading. */
export const shortestSpread: SpanLengths = around(SHORTEST_TARGET_MS, LEEWAY * SHORTEST_TARGET_MS);

function limitOf(limitsMs: readonly (number | undefined)[]): number {
  const limits = limitsMs.map((limit) => limit ?? Infinity);
  const fitting = limits.filter((limit) => limit >= SHORTEST_TARGET_MS * (1 + LEEWAY));
  return fitting.length > 0 ? Math.min(...fitting) : Math.max(1_000, ...(limits.length > 0 ? limits : [Infinity]));
}

/** As few spans as the longest target allows, but a multiple of the places, so that none is left without work at the end. */
function evenShare(audioMs: number, places: number, longestMs: number): number {
  const rounds = Math.ceil(audioMs / longestMs / places);
  return Math.min(longestMs, Math.max(SHORTEST_TARGET_MS, audioMs / (rounds * places)));
}
