import { SAMPLE_RATE_HZ } from '#contracts';
import type { LocalModel } from './model-files.js';

/** Rows decoded side by side. More rows make a step cheaper per row, until memory traffic eats the gain. */
export const MAX_BATCH_ROWS = 8;

/** Bound on rows times the longest row, padding included: it bounds a thread's memory. */
export const MAX_BATCH_SAMPLES = 96 * SAMPLE_RATE_HZ;

/** An utterance that waits for a thread. */
export interface QueuedUtterance {
  /** Of all utterances of one caller. */
  readonly model: LocalModel;
  /** In samples. */
  readonly length: number;
}

/**
 * Utterances of several callers that wait for a thread, and the choice of those that go together. An utterance gets the
 * same words in any batch, so that this is a matter of speed and fairness only.
 */
export class UtteranceQueue<T extends QueuedUtterance> {
  private readonly lanes = new Map<unknown, T[]>();

  push(caller: unknown, utterance: T): void {
    const lane = this.lanes.get(caller);
    if (lane) lane.push(utterance);
    else this.lanes.set(caller, [utterance]);
  }

  /** With what the next batch begins: what has waited longest of the caller whose turn it is. */
  get first(): T | undefined {
    const [lane] = this.lanes.values();
    return lane?.[0];
  }

  /** Takes out all of a caller. */
  remove(caller: unknown): T[] {
    const lane = this.lanes.get(caller) ?? [];
    this.lanes.delete(caller);
    return lane;
  }

  /**
   * The next batch: the first, and within the bounds those nearest to it in length, whoever they belong to. Rows of like
   * length end together, so that no step is made for a few long ones only. Nobody waits for more batches than there are
   * callers.
   *
   * @param threads that could each take such a batch: it is no more than its share of what waits
   */
  take(threads: number): T[] {
    const { first } = this;
    if (!first) return [];
    // A Map keeps the order of insertion: the caller served goes to the end.
    const [served] = this.lanes.keys();
    const fitting = [...this.lanes.values()].flat().filter(({ model }) => model === first.model);
    const share = Math.min(MAX_BATCH_ROWS, Math.ceil(fitting.length / Math.max(1, threads)));
    const distance = ({ length }: T) => Math.abs(length - first.length);
    const batch = [first];
    let longest = first.length;
    for (const utterance of fitting.filter((other) => other !== first).sort((a, b) => distance(a) - distance(b))) {
      if (batch.length >= share) break;
      const nextLongest = Math.max(longest, utterance.length);
      if ((batch.length + 1) * nextLongest > MAX_BATCH_SAMPLES) continue;
      batch.push(utterance);
      longest = nextLongest;
    }
    this.drop(new Set(batch));
    const rest = this.remove(served);
    if (rest.length > 0) this.lanes.set(served, rest);
    return batch;
  }

  private drop(taken: ReadonlySet<T>): void {
    for (const [caller, lane] of this.lanes) {
      const rest = lane.filter((utterance) => !taken.has(utterance));
      if (rest.length > 0) this.lanes.set(caller, rest);
      else this.lanes.delete(caller);
    }
  }
}
