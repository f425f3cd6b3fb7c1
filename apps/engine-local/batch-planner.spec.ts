import fc from 'fast-check';
import { batchSize, MAX_BATCH_ROWS, MAX_BATCH_SAMPLES } from './batch-planner.js';

describe('batchSize', () => {
  it('keeps to the bounds and takes at least one of those that wait', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 320_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 0, max: 4 }), (waiting, threads) => {
        const rows = batchSize(waiting, threads);
        const longest = Math.max(...waiting.slice(0, rows));
        expect(rows).toBeGreaterThanOrEqual(1);
        expect(rows).toBeLessThanOrEqual(Math.min(MAX_BATCH_ROWS, waiting.length));
        expect(rows === 1 || rows * longest <= MAX_BATCH_SAMPLES).toBe(true);
      }),
    );
  });

  it('shares between threads', () => {
    expect(batchSize(Array<number>(6).fill(16_000), 2)).toBe(3);
    expect(batchSize(Array<number>(5).fill(16_000), 2)).toBe(3);
    expect(batchSize(Array<number>(6).fill(16_000), 0)).toBe(6);
  });

  it('takes nothing where nothing waits', () => {
    expect(batchSize([], 2)).toBe(0);
  });
});
