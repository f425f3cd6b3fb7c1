/**
 * A weighted mean in which what was measured longer ago counts less: by half after `0.69 * memoryMs`, whatever the gaps
 * between the measurements (an exponential moving average for uneven series; A. Eckner, "Algorithms for unevenly-spaced
 * time series", 2012). The first measurement counts in full, so there is no start at zero to get away from.
 */
export class DecayingMean {
  private current = 0;
  private currentWeight = 0;
  private updatedMs = 0;

  /** @param memoryMs time constant: a measurement of that age has 37 % of its weight left */
  constructor(private readonly memoryMs: number) {}

  /** undefined until something was measured. It stays as it is while nothing new comes. */
  get mean(): number | undefined {
    return this.currentWeight > 0 ? this.current : undefined;
  }

  /** What is left of the weights that were added. */
  weight(nowMs: number): number {
    return this.currentWeight * this.fade(nowMs);
  }

  /** @param weight above 0 */
  add(value: number, weight: number, nowMs: number): void {
    const total = this.weight(nowMs) + weight;
    this.current += (value - this.current) * (weight / total);
    this.currentWeight = total;
    this.updatedMs = nowMs;
  }

  private fade(nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.updatedMs) / this.memoryMs);
  }
}
