/** How often something happened lately, to within one bucket of time; of fixed size. */
export class RecentCount {
  private readonly counts: number[];
  private readonly bucketMs: number;
  /** Number of the newest bucket since time 0; that bucket and those before it are in `counts` by remainder. */
  private newest = 0;

  constructor(
    windowMs: number,
    private readonly buckets: number,
  ) {
    this.bucketMs = windowMs / buckets;
    this.counts = new Array<number>(buckets).fill(0);
  }

  add(nowMs: number): void {
    this.moveTo(nowMs);
    const at = this.newest % this.buckets;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
  }

  count(nowMs: number): number {
    this.moveTo(nowMs);
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  private moveTo(nowMs: number): void {
    const now = Math.floor(nowMs / this.bucketMs);
    const passed = Math.min(now - this.newest, this.buckets);
    for (let step = 1; step <= passed; step += 1) this.counts[(this.newest + step) % this.buckets] = 0;
    // After a longer gap every bucket is empty, whichever is the newest.
    this.newest = Math.max(this.newest, now);
  }
}
