/** Weight of the newest call: about the last six calls count. */
const WEIGHT = 0.3;

/** Shorter audio says more about the overhead of a call than about the engine's speed. */
const LEAST_AUDIO_MS = 1_000;

/** Audio seconds per second of work, as an exponentially weighted moving average over calls. */
export class SpeedMeter {
  private average = 0;

  /** 0 until something was measured. */
  get speed(): number {
    return this.average;
  }

  /**
   * @param workMs time that the call took
   * @param waitedMs part of it in which the engine waited for the client; a call that mostly waited measures the client
   */
  measure(audioMs: number, workMs: number, waitedMs: number): void {
    if (audioMs < LEAST_AUDIO_MS || waitedMs > workMs / 2) return;
    const speed = audioMs / Math.max(workMs, 1);
    this.average = this.average === 0 ? speed : WEIGHT * speed + (1 - WEIGHT) * this.average;
  }
}
