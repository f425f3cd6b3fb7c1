/**
 * How work of a dead consumer is found: its lock runs out, and the next look of any living consumer after that gives it
 * to another. Together at most LOCK_MS + 2 * STALLED_LOOK_MS.
 */
export const LOCK_MS = 10_000;
export const STALLED_LOOK_MS = 5_000;
/** The attempts of the job's row decide when a job is given up, not the queue: it always gives work out again. */
export const ANY_NUMBER_OF_TIMES = 1_000_000_000;

/** What a handler's failure costs before the entry is given out again; an outage of the handler's world passes meanwhile. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MOST_MS = 30_000;

/** A consumer that lost the queue tries again that often. */
export const RECONNECT_FIRST_MS = 200;
export const RECONNECT_MOST_MS = 5_000;

/** Port: 9 is the first. BullMQ: 1 is the first, and 0 comes before all and would jump the queue. */
export function bullPriority(priority: number): number {
  return 10 - Math.min(9, Math.max(0, Math.round(priority)));
}

export function portPriority(priority: number): number {
  return Math.min(9, Math.max(0, 10 - priority));
}
