import { FRAME_SAMPLES } from './utterance-segmenter.js';

/** Frames from the first up to and without the last. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Shorter ones are not worth a row of the batch. */
const SHORTEST_FRAMES = 128;

/** As many as lie in two thirds of a second: whoever begins in the middle has a third of a second of quiet behind it. */
const PAUSE_FRAMES = 21;

/** A pause is that much softer than the louder half of the block is at least, or softer than this of full scale. */
const PAUSE_BELOW_DB = 20;
const SILENCE_DB = -75;

/**
 * Splits a block in the middle of its long pauses, into some eight stretches where there are pauses enough.
 *
 * @param samples whole frames, in -1..1
 */
export function stretchesOf(samples: Float32Array): Stretch[] {
  const frames = samples.length / FRAME_SAMPLES;
  const shortest = Math.max(SHORTEST_FRAMES, frames / 10);
  const starts = [0];
  for (const middle of middlesOfPauses(levelsOf(samples, frames))) {
    if (middle - (starts.at(-1) ?? 0) >= shortest && frames - middle >= shortest) starts.push(middle);
  }
  return starts.map((start, index) => ({ start, end: starts[index + 1] ?? frames }));
}

/** In dB of full scale. */
function levelsOf(samples: Float32Array, frames: number): Float64Array {
  const levels = new Float64Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    let power = 0;
    const end = (frame + 1) * FRAME_SAMPLES;
    for (let at = frame * FRAME_SAMPLES; at < end; at++) power += (samples[at] ?? 0) ** 2;
    levels[frame] = 10 * Math.log10(power / FRAME_SAMPLES + 1e-12);
  }
  return levels;
}

function middlesOfPauses(levels: Float64Array): number[] {
  const median = levels.toSorted()[levels.length >> 1] ?? 0;
  const limit = Math.max(SILENCE_DB, median - PAUSE_BELOW_DB);
  const middles: number[] = [];
  let quiet = 0;
  for (const [frame, level] of levels.entries()) {
    if (level <= limit) {
      quiet += 1;
      continue;
    }
    if (quiet >= PAUSE_FRAMES) middles.push(frame - (quiet >> 1));
    quiet = 0;
  }
  return middles;
}
