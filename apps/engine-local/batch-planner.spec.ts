import fc from 'fast-check';
import { MAX_BATCH_ROWS, MAX_BATCH_SAMPLES, planBatches, windowSize } from './batch-planner.js';

describe('planBatches', () => {
  it('puts each utterance into exactly one batch within the bounds', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 320_000 }), { maxLength: 40 }), (lengths) => {
        const batches = planBatches(lengths);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, index) => index));
        for (const batch of batches) {
          const longest = Math.max(...batch.map((index) => lengths[index] ?? 0));
          expect(batch.length).toBeLessThanOrEqual(MAX_BATCH_ROWS);
          expect(batch.length === 1 || batch.length * longest <= MAX_BATCH_SAMPLES).toBe(true);
        }
      }),
    );
  });

  it('puts utterances of similar length together', () => {
    const short = 32_000;
    const long = 240_000;
    const batches = planBatches([long, short, long, short, long, short, long, short]);
    expect(batches.map((batch) => batch.sort())).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5, 7],
    ]);
  });

  it('begins with the batch of the earliest utterance', () => {
    const [first] = planBatches([16_000, 240_000, 240_000, 240_000, 240_000]);
    expect(first).toContain(0);
  });

  it('plans nothing for nothing', () => {
    expect(planBatches([])).toEqual([]);
  });
});

describe('windowSize', () => {
  it('begins with a single utterance and grows to a limit', () => {
    expect([0, 1, 2, 3, 4, 5, 100].map(windowSize)).toEqual([1, 2, 4, 8, 16, 16, 16]);
  });
});
