import type { EndedCall, InstanceError, InstanceStats } from '#contracts';
import { DecayingMean } from './decaying-mean.js';
import { RecentCount } from './recent-count.js';
import type { RegistryClock } from './registry-clock.js';

/** The speed of a machine changes when its neighbours do: minutes, and a dozen calls of usual length, say it well. */
const SPEED_MEMORY_MS = 300_000;
/**
 * A figure that nobody has confirmed for so long is no longer told. Under a policy that goes by speed an instance that was
 * slow once would otherwise never get the call that shows that it is quick again.
 */
const SPEED_LAPSES_MS = 900_000;
/** A queue comes and goes within a minute. */
const QUEUE_MEMORY_MS = 60_000;
/** Long enough that one bad call among some good ones is no alarm, short enough that a repair shows within minutes. */
const ERROR_MEMORY_MS = 120_000;
/**
 * The error rate is counted as if so many calls had succeeded before. One fault in the first call is then no certainty, and
 * it takes the breaker's three to say that an instance fails more often than not. And as calls are forgotten the rate falls
 * while nobody calls: an instance that is passed over for its errors gets the calls that show that it is well again.
 */
const GRANTED_SUCCESSES = 2;
const RECENT_MS = 300_000;
const RECENT_BUCKETS = 30;
/** Of the last hundred calls the fifth slowest: enough to be a percentile, few enough to follow a change. */
const PERCENTILE_WINDOW = 100;
const PERCENTILE_MIN_CALLS = 10;
const PERCENTILE = 0.95;
/** Kept for each instance and sent to every watcher. */
const MAX_MESSAGE_LENGTH = 300;
/** What is shorter says more of the cost of a call than of the speed. */
const LEAST_AUDIO_MS = 100;

/** What calls of one instance have shown. Of fixed size, however many calls there are. */
export class CallStatistics {
  private calls = 0;
  private realTimeFactor = new DecayingMean(SPEED_MEMORY_MS);
  private speedAtMs = 0;
  private readonly queueMs = new DecayingMean(QUEUE_MEMORY_MS);
  private faults = new DecayingMean(ERROR_MEMORY_MS);
  private readonly recentErrors = new RecentCount(RECENT_MS, RECENT_BUCKETS);
  private lastError: InstanceError | undefined;
  private readonly workMsPerSecond: number[] = [];
  private p95Ms: number | undefined;

  constructor(private readonly clock: RegistryClock) {}

  /** Counts a call; one with an error is taken for a fault of the engine. */
  add({ error, audioMs, queueMs, workMs }: EndedCall): void {
    const now = this.clock.monotonicMs();
    this.calls += 1;
    this.faults.add(error ? 1 : 0, 1, now);
    if (error) {
      this.recentErrors.add(now);
      const message = error.message.slice(0, MAX_MESSAGE_LENGTH);
      this.lastError = { code: error.code, message, at: this.clock.date() };
      return;
    }
    this.queueMs.add(queueMs, 1, now);
    if (audioMs < LEAST_AUDIO_MS) return;
    // Weighted by the audio it is all the work over all the audio: short clips do not make an engine look slow.
    if (this.hasLapsed(now)) this.realTimeFactor = new DecayingMean(SPEED_MEMORY_MS);
    this.realTimeFactor.add(workMs / audioMs, audioMs, now);
    this.speedAtMs = now;
    this.workMsPerSecond.push((workMs / audioMs) * 1000);
    if (this.workMsPerSecond.length > PERCENTILE_WINDOW) this.workMsPerSecond.shift();
    this.p95Ms = percentile(this.workMsPerSecond);
  }

  /** The instance has been found well: what failed before is no longer held against it, but still shown. */
  forgive(): void {
    this.faults = new DecayingMean(ERROR_MEMORY_MS);
  }

  view(): InstanceStats {
    const now = this.clock.monotonicMs();
    const realTimeFactor = this.hasLapsed(now) ? undefined : this.realTimeFactor.mean;
    const weight = this.faults.weight(now);
    return {
      calls: this.calls,
      ...(realTimeFactor !== undefined && { realTimeFactor }),
      errorRate: ((this.faults.mean ?? 0) * weight) / (weight + GRANTED_SUCCESSES),
      // Of less than one call's weight there is less to say: a queue is not there for ever because nobody comes to look.
      queueMs: (this.queueMs.mean ?? 0) * Math.min(1, this.queueMs.weight(now)),
      ...(this.p95Ms !== undefined && { p95Ms: this.p95Ms }),
      recentErrors: this.recentErrors.count(now),
      ...(this.lastError && { lastError: this.lastError }),
    };
  }

  private hasLapsed(nowMs: number): boolean {
    return nowMs - this.speedAtMs > SPEED_LAPSES_MS;
  }
}

/** By nearest rank; undefined while there are too few to tell. */
function percentile(values: readonly number[]): number | undefined {
  if (values.length < PERCENTILE_MIN_CALLS) return undefined;
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * PERCENTILE) - 1];
}
