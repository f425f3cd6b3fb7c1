import { SAMPLE_RATE_HZ } from '#contracts';

/** Where to look for it, in samples. */
export interface SearchRange {
  readonly from: number;
  readonly to: number;
  /** Places are whole multiples of it. The range is several times as long. */
  readonly grid: number;
  /** Of places equally quiet the one nearest to this is taken. */
  readonly target: number;
}

export interface QuietPlace {
  /** The first sample of what comes after the cut. */
  readonly place: number;
  /** Whether nobody speaks there, as far as loudness tells. */
  readonly isPause: boolean;
}

/** Loudness is measured in frames of 10 ms. */
const FRAME = SAMPLE_RATE_HZ / 100;

/**
 * Halves of the windows, in frames, over which it is judged, one after the other until there is a pause. 700 ms first: that
 * ends a sentence for any engine, so that the cut takes no context from it and adds no end that is not there. Then 200 ms:
 * the silence within a word, before a stop consonant opens, is shorter.
 */
const SENTENCE_HALF_WINDOW = 35;
const PAUSE_HALF_WINDOW = 10;

/** Windows below this level, in dB of full scale, are all silent: it is the noise of the 16-bit samples themselves. */
const SILENCE_DB = -75;

/** How much louder a place at the target may be than one at the end of the range and still be taken. */
const DISTANCE_COST_DB = 3;

/** A pause is that much softer than the loudest quarter of the range: further than a soft word is from a stressed one. */
const PAUSE_BELOW_DB = 20;

/** A pause reaches as far as the level stays within this of its quietest window; the cut goes in its middle. */
const PAUSE_RISE_DB = 3;

/**
 * The quietest place of a range: the middle of the pause around the quietest window, with a slight preference for places
 * near the target. Depends on nothing but the samples.
 *
 * @param samples with some before and after the range, since windows reach 350 ms beyond it
 */
export function quietestPlace(samples: Int16Array, range: SearchRange): QuietPlace {
  const sentenceEnd = quietestWindow(samples, range, SENTENCE_HALF_WINDOW);
  return sentenceEnd.isPause ? sentenceEnd : quietestWindow(samples, range, PAUSE_HALF_WINDOW);
}

function quietestWindow(samples: Int16Array, range: SearchRange, halfWindow: number): QuietPlace {
  const first = Math.ceil(range.from / FRAME);
  const last = Math.max(first, Math.floor(range.to / FRAME));
  const levels = windowLevels(samples, first, last, halfWindow);
  const best = cheapest(levels, range.target / FRAME - first);
  const bestLevel = levels[best] ?? SILENCE_DB;
  const place = (first + middleOfPause(levels, best, bestLevel + PAUSE_RISE_DB)) * FRAME;
  return { place: onGrid(place, range), isPause: isPause(levels, bestLevel) };
}

function onGrid(place: number, { from, to, grid }: SearchRange): number {
  const nearest = Math.round(place / grid);
  return grid * Math.max(Math.ceil(from / grid), Math.min(Math.floor(to / grid), nearest));
}

function isPause(levels: Float64Array, level: number): boolean {
  if (level <= SILENCE_DB) return true;
  const loud = levels.toSorted()[Math.floor(levels.length * 0.75)] ?? level;
  return level <= loud - PAUSE_BELOW_DB;
}

/** The level of the window around each frame boundary from `first` to `last`, in dB of full scale. */
function windowLevels(samples: Int16Array, first: number, last: number, halfWindow: number): Float64Array {
  const start = Math.max(0, first - halfWindow);
  const end = Math.min(Math.floor(samples.length / FRAME), last + halfWindow);
  const sums = new Float64Array(Math.max(0, end - start) + 1);
  for (let frame = start; frame < end; frame++) {
    sums[frame - start + 1] = (sums[frame - start] ?? 0) + framePower(samples, frame * FRAME);
  }
  const levels = new Float64Array(last - first + 1);
  for (let i = 0; i < levels.length; i++) {
    const from = Math.max(start, first + i - halfWindow) - start;
    const to = Math.min(end, first + i + halfWindow) - start;
    const power = ((sums[to] ?? 0) - (sums[from] ?? 0)) / Math.max(1, to - from);
    levels[i] = decibels(power);
  }
  return levels;
}

/** Mean square of a frame about its mean, so that a constant offset, as cheap sound cards add, does not count as sound. */
function framePower(samples: Int16Array, start: number): number {
  let sum = 0;
  let squares = 0;
  for (let i = start; i < start + FRAME; i++) {
    const sample = samples[i] ?? 0;
    sum += sample;
    squares += sample * sample;
  }
  return squares / FRAME - (sum / FRAME) ** 2;
}

function decibels(power: number): number {
  return Math.max(SILENCE_DB, 10 * Math.log10(power / 2 ** 30));
}

function cheapest(levels: Float64Array, target: number): number {
  const farthest = Math.max(target, levels.length - 1 - target, 1);
  let best = 0;
  let bestCost = Infinity;
  for (const [i, level] of levels.entries()) {
    const cost = level + (DISTANCE_COST_DB * Math.abs(i - target)) / farthest;
    if (cost < bestCost) {
      best = i;
      bestCost = cost;
    }
  }
  return best;
}

function middleOfPause(levels: Float64Array, place: number, limitDb: number): number {
  let from = place;
  let to = place;
  while (from > 0 && (levels[from - 1] ?? 0) <= limitDb) from--;
  while (to < levels.length - 1 && (levels[to + 1] ?? 0) <= limitDb) to++;
  return Math.floor((from + to) / 2);
}
