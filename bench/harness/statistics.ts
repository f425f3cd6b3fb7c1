/** The middle of some numbers and how far they spread. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median, smallest and largest. @throws Error when there are none */
export function spreadOf(values: readonly number[]): Spread {
  const low = quantile(values, 0);
  return { median: quantile(values, 0.5), low, high: quantile(values, 1) };
}

/** The value below which that share of the values lies, between two of them in proportion. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new Error('There are no values.');
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The exponent `b` of `cost = a * work^b`, fitted by least squares on the logarithms: 1 is growth in proportion.
 */
export function growthExponent(points: readonly { readonly work: number; readonly cost: number }[]): number {
  const logs = points.map(({ work, cost }) => ({ x: Math.log(work), y: Math.log(cost) }));
  const meanX = mean(logs.map(({ x }) => x));
  const meanY = mean(logs.map(({ y }) => y));
  const over = logs.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const under = logs.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return over / under;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
