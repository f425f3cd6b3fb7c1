/** What the queue carries: which job to look at. Everything else stands in the database. */
export interface QueuedJob {
  readonly jobId: string;
  /** 0 to 9, 9 first; among equals the oldest first. */
  readonly priority: number;
}

/**
 * Takes one piece of work. Resolving means done; throwing gives it back to the queue, which gives it out again after a
 * while that grows with each failure, up to half a minute. The signal aborts when the consumer closes, and not when the
 * queue was away for so long that another consumer may be given the work as well: the lease on the row decides.
 */
export type QueueHandler = (job: QueuedJob, signal: AbortSignal) => Promise<void>;

export interface QueueConsumer {
  /**
   * Stops taking work, aborts the signal of what runs once `graceMs` are over, waits for the handlers and closes. What a
   * handler then gives back is given to another consumer at once; a handler that does not stop is left behind.
   */
  close(graceMs: number): Promise<void>;
}

/**
 * Carries work from gateways to workers. The database row is the truth: an entry may be lost (a reconciler puts it in
 * again) or delivered twice (the lease on the row decides), so handlers must bear both.
 */
export abstract class JobQueue {
  /**
   * Puts work in. An entry that waits already is left as it is, so that enqueueing is safe to repeat. Work that a handler
   * has at the moment is given out once more when that handler has ended.
   *
   * @param delayMs not before that much later
   * @throws PolyscribeError `dependency_unavailable` when the queue does not answer in time
   */
  abstract enqueue(job: QueuedJob, delayMs?: number): Promise<void>;

  /** Takes work out unless a handler has it already. Unknown work is no error. */
  abstract remove(jobId: string): Promise<void>;

  /**
   * Whether an entry waits, is delayed, or is with a handler; one that has died counts until its work has been given to
   * another.
   */
  abstract has(jobId: string): Promise<boolean>;

  /** How many entries wait or are delayed. */
  abstract depth(): Promise<number>;

  /** How many entries wait and could be given out now; those that are delayed do not count. */
  abstract waiting(): Promise<number>;

  /**
   * Gives work to the handler, up to `concurrency` at once, until the consumer is closed. Work whose consumer died is
   * given to another within half a minute.
   */
  abstract consume(concurrency: number, handler: QueueHandler): QueueConsumer;

  /** Resolves when the queue answers. @throws PolyscribeError `dependency_unavailable` */
  abstract ping(): Promise<void>;

  abstract close(): Promise<void>;
}
