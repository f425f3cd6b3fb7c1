/** Whom something is pushed to. Called in turn; what it throws ends the feed. */
export interface Follower<Item> {
  /** @returns false to be given nothing more until the feed is resumed */
  take(item: Item): boolean;
  /** Nothing more comes: the feed was closed or, with an error, has failed. Called once. */
  end(error?: unknown): void;
}

/** What pushes to a follower. */
export interface Feed {
  /** Goes on after `take` gave false. */
  resume(): void;
  /** Ends it and frees what it holds. Safe to repeat. */
  close(): void;
}
