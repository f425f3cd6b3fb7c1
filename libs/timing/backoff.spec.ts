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

  it('leaves half to chance, so that those who failed together do not come back together', () => {
    expect(backoffMs(3, 100, 1_000, () => 0)).toBe(200);
    expect(backoffMs(3, 100, 1_000, () => 1)).toBe(400);
  });
});
