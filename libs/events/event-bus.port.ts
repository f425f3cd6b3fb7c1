import type { JobEvent, JobEventBody } from '#contracts';
import type { Feed, Follower } from './feed.js';
import { PulledFeed } from './pulled-feed.js';

export interface PublishOptions {
  /**
   * Makes publishing safe to repeat: a second call for the job under the same key is dropped whole. Used where a crash
   * between a commit and the publish is mended by publishing again.
   */
  readonly key?: string;
}

/**
 * Events that go into the log with a statement of somebody else on the same database: they are in it if and only if that
 * is committed.
 */
export interface EventDraft {
  /**
   * The SQL expression that appends what the given one of type json says, to be evaluated once for each. The same for all
   * drafts of a bus. Whoever appends to several jobs does so in the order of their ids.
   */
  readonly sql: (addition: string) => string;
  /** The value of that expression. */
  readonly addition: object;
  /**
   * Tells subscribers, once the statement is committed. Never fails: whoever misses it finds the events a few seconds later.
   *
   * @param lastSeq the value of the expression
   */
  readonly tell: (lastSeq: string | number | null) => Promise<void>;
}

/** A live view of one job's events. */
export interface EventSubscription extends AsyncIterable<JobEvent> {
  /** Ends the iteration and frees what it holds. Leaving a `for await` loop does the same. */
  close(): void;
}

/**
 * Carries news of jobs from workers to gateways and keeps each job's log, so that a client that comes late or comes back
 * gets exactly what it missed.
 */
export abstract class EventBus {
  /**
   * Appends events to the job's log, in order and without another writer's in between, and tells subscribers.
   *
   * @returns the events with their sequence; none when the key has been used already, or the job was forgotten
   * @throws PolyscribeError `dependency_unavailable` when the bus does not answer in time
   */
  abstract publish(
    jobId: string,
    events: readonly JobEventBody[],
    options?: PublishOptions,
  ): Promise<readonly JobEvent[]>;

  /**
   * The same as a part of a statement that writes what the events tell of, in one commit with it.
   *
   * @returns undefined where the log is not in that database: they are to be published then
   * @throws PolyscribeError `dependency_unavailable` when the log cannot take them
   */
  abstract draft(
    jobId: string,
    events: readonly JobEventBody[],
    options?: PublishOptions,
  ): Promise<EventDraft | undefined>;

  /**
   * The job's events with a sequence above `afterSeq`: first those in the log, then new ones as they come, each once and
   * in order. Does not end by itself; the reader stops at an event that ends the stream. Memory is bounded: a slow reader
   * is served from the log. Starts with the iteration, and bears an outage of a minute.
   *
   * @throws PolyscribeError `dependency_unavailable`, from the iteration, when the bus is away for longer
   */
  subscribe(jobId: string, afterSeq: number): EventSubscription {
    return new PulledFeed((follower) => this.follow(jobId, afterSeq, follower));
  }

  /**
   * The same, pushed, which costs little where many read: followers of one job are given the same objects, that none may
   * change. Starts at once, and ends with `dependency_unavailable` when the bus is away for longer than a minute.
   */
  abstract follow(jobId: string, afterSeq: number, follower: Follower<JobEvent>): Feed;

  /** The log from `afterSeq` on, at most `limit` events; empty when it has expired or never was. */
  abstract history(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]>;

  /** Removes the job's log, for erasure. What a worker tells of the job afterwards, that has not heard of it, is dropped. */
  abstract forget(jobId: string): Promise<void>;

  /**
   * Removes logs whose last event is older than that. The sequence goes on where it was when the job gets new events. That
   * a job was forgotten is known for as long.
   *
   * @returns how many jobs lost their log
   */
  abstract expire(olderThan: Date): Promise<number>;

  /** Resolves when the bus answers. @throws PolyscribeError `dependency_unavailable` */
  abstract ping(): Promise<void>;

  abstract close(): Promise<void>;
}
