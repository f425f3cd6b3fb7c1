import { growthExponent, quantile, spreadOf } from './statistics.js';

describe('figures of many rounds', () => {
  it('gives the middle and the ends', () => {
    expect(spreadOf([5, 1, 9, 3, 7])).toEqual({ median: 5, low: 1, high: 9 });
    expect(spreadOf([4, 2])).toEqual({ median: 3, low: 2, high: 4 });
  });

  it('takes quantiles between two values in proportion', () => {
    expect(quantile([10, 20], 0.25)).toBe(12.5);
  });

  it('refuses to sum up nothing', () => {
    expect(() => spreadOf([])).toThrow('no values');
  });

  it.each([
    [1, (work: number) => 3 * work],
    [2, (work: number) => 0.5 * work * work],
    [0, () => 7],
  ])('finds the exponent %d', (exponent, cost) => {
    const points = [1, 4, 16].map((work) => ({ work, cost: cost(work) }));
    expect(growthExponent(points)).toBeCloseTo(exponent, 10);
  });
});
