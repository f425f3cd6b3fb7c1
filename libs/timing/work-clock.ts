import { over } from './over.js';

/** How often work that is held up when its time is over is looked at again. */
const LOOK_AGAIN_MS = 1_000;

/** Limits the time that work may take. While it only waits for its turn the clock stands still. */
export class WorkClock {
  private readonly late = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private since = 0;

  /** @param isHeldUp whether the work lacks something just now; its time is not over as long as it does */
  constructor(
    private leftMs: number,
    private readonly isHeldUp: () => boolean = () => false,
  ) {
    this.run();
  }

  /** Aborted when the time is up, or the clock is stopped. */
  get signal(): AbortSignal {
    return this.late.signal;
  }

  /** The work is at work; safe to repeat. */
  run(): void {
    if (this.timer !== undefined || this.late.signal.aborted) return;
    this.since = performance.now();
    this.timer = setTimeout(() => this.end(), this.leftMs);
  }

  /** The work waits for its turn; safe to repeat. */
  pause(): void {
    if (this.timer === undefined) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.leftMs = Math.max(0, this.leftMs - (performance.now() - this.since));
  }

  /** Ends the work, if it has not ended, and the clock. */
  stop(): void {
    this.pause();
    this.late.abort(over);
  }

  private end(): void {
    if (this.isHeldUp()) this.timer = setTimeout(() => this.end(), LOOK_AGAIN_MS);
    else this.stop();
  }
}
