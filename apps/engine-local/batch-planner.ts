import { SAMPLE_RATE_HZ } from '#contracts';

/** Rows decoded side by side. More rows make a step cheaper per row, until memory traffic eats the gain. */
export const MAX_BATCH_ROWS = 8;

/** Bound on rows times the longest row, padding included: it bounds a thread's memory. */
export const MAX_BATCH_SAMPLES = 96 * SAMPLE_RATE_HZ;

/**
 * How many of the utterances that wait make the next batch: their share where several threads could do them, within the
 * bounds. An utterance gets the same words in any batch, so that this is a matter of speed only.
 *
 * @param lengths samples of each utterance in time order
 * @param threads that could each take such a batch
 */
export function batchSize(lengths: readonly number[], threads: number): number {
  const share = Math.min(MAX_BATCH_ROWS, Math.ceil(lengths.length / Math.max(1, threads)));
  let longest = 0;
  for (let rows = 0; rows < share; rows++) {
    longest = Math.max(longest, lengths[rows] ?? 0);
    if (rows > 0 && (rows + 1) * longest > MAX_BATCH_SAMPLES) return rows;
  }
  return share;
}
