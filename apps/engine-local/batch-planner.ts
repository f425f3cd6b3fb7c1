import { SAMPLE_RATE_HZ } from '#contracts';

/** Rows decoded side by side. More rows make a step cheaper per row, until memory traffic eats the gain. */
export const MAX_BATCH_ROWS = 8;

/** Bound on rows times the longest row, padding included: it bounds a thread's memory. */
export const MAX_BATCH_SAMPLES = 64 * SAMPLE_RATE_HZ;

/** Utterances that are gathered before the next batches are planned: the first goes at once, for an early first word. */
const windowSizes = [1, 2, 4, 8];
const LARGEST_WINDOW = 16;

/** How many utterances the window with that number (from 0) gathers. */
export function windowSize(window: number): number {
  return windowSizes[window] ?? LARGEST_WINDOW;
}

/**
 * Splits a window into batches. Rows of one batch are padded to its longest, so those of similar length go together.
 *
 * The plan depends on the audio alone and on no clock. An utterance gets the same words in any batch, so the plan is a
 * matter of speed only.
 *
 * @param lengths samples of each utterance in time order
 * @returns indices into `lengths`; the batch with the earliest utterance first
 */
export function planBatches(lengths: readonly number[]): number[][] {
  const order = lengths.map((_, index) => index).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  let longest = 0;
  for (const index of order) {
    if (batch.length === 0) longest = lengths[index] ?? 0;
    if (batch.length > 0 && (batch.length === MAX_BATCH_ROWS || (batch.length + 1) * longest > MAX_BATCH_SAMPLES)) {
      batches.push(batch);
      batch = [];
      longest = lengths[index] ?? 0;
    }
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches.sort((a, b) => Math.min(...a) - Math.min(...b));
}
