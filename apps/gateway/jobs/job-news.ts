import type { JobEventBody } from '#contracts';
import type { Feed, Follower } from '#events';

/** Where a client goes on: after a sequence of the log, or after the end that was made from the database. */
export type Position = number | 'end';

export interface WatchedEvent {
  readonly position: Position;
  readonly body: JobEventBody;
}

/** What a watcher gets: past events first, then new ones; ends after the last. Holds nothing until it is followed. */
export interface JobNews {
  /** Each event is an object that others are given as well. */
  follow(follower: Follower<WatchedEvent>): Feed;
}
