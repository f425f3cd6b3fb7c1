/** Weight of the newest call: about the last six calls count. */
const WEIGHT = 0.3;

/** Shorter audio says more about the overhead of a call than about the engine's speed. */
const LEAST_AUDIO_MS = 1_000;

/** As long as the registry tells what workers measured: an instance that was slow once is to be tried again. */
const LAPSES_MS = 900_000;

/** Audio seconds per second of work, as an exponentially weighted moving average over calls. */
export class SpeedMeter {
  private average = 0;
  private measuredAtMs = -Infinity;

  /** @param nowMs monotonic */
  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** 0 until something was measured, and again once that is a quarter of an hour ago. */
  get speed(): number {
    return this.nowMs() - this.measuredAtMs > LAPSES_MS ? 0 : this.average;
  }

  /**
   * @param workMs time that the call took
   * @param waitedMs part of it in which the engine waited for the client; a call that mostly waited measures the client
   */
  measure(audioMs: number, workMs: number, waitedMs: number): void {
    if (audioMs < LEAST_AUDIO_MS || waitedMs > workMs / 2) return;
    const speed = audioMs / Math.max(workMs, 1);
    const before = this.speed;
    this.average = before === 0 ? speed : WEIGHT * speed + (1 - WEIGHT) * before;
    this.measuredAtMs = this.nowMs();
  }
}
