import { backoffMs } from './backoff.js';

describe('backoffMs', () => {
  it('doubles up to the limit and stays within the upper half', () => {
    for (const [attempt, full] of [
      [1, 100],
      [2, 200],
      [5, 1600],
      [6, 2000],
      [1000, 2000],
    ] as const) {
      const wait = backoffMs(attempt, 100, 2000);
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    }
  });
});
