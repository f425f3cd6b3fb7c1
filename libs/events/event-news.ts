import type { JobEvent } from '#contracts';

/** Whom the news are for: the subscriptions of this process. */
export interface Audience {
  /** The jobs that somebody listens to. */
  jobIds(): string[];
  /** The job's log has grown to this sequence, as far as we know; Infinity when that is not known. */
  heard(jobId: string, seq: number): void;
  /** News may have been lost: everybody must look into the log. */
  gap(): void;
}

/**
 * How processes tell each other that a log has grown. News are hints: whoever misses one finds the events all the same, by
 * a look at the log's counters every few seconds.
 */
export interface EventNews {
  /** Somebody listens to the job from now on. Safe to repeat. */
  follow(jobId: string): void;
  /** Nobody listens to the job any more. */
  unfollow(jobId: string): void;
  /** Says that these events are in the log. Never fails. */
  announce(jobId: string, events: readonly JobEvent[]): Promise<void>;
  /**
   * The log from `afterSeq` on out of a copy that is cheaper to read; undefined where it does not begin right there. It may
   * end before the log does.
   */
  readCopy(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[] | undefined>;
  /** Removes the copy. @throws PolyscribeError `dependency_unavailable` */
  forgetCopy(jobId: string): Promise<void>;
  close(): Promise<void>;
}
