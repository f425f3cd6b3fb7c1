import type { Feed, Follower } from './feed.js';

/** A feed for who wants to pull: started by the iteration, closed when that is left, never more than one item ahead. */
export class PulledFeed<Item> implements AsyncIterable<Item> {
  private closed = false;
  private feed: Feed | undefined;

  constructor(private readonly follow: (follower: Follower<Item>) => Feed) {}

  /** Ends the iteration. */
  close(): void {
    this.closed = true;
    this.feed?.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    if (this.closed) return;
    const inbox = new Inbox<Item>();
    const feed = this.follow(inbox);
    this.feed = feed;
    try {
      for (let next = await inbox.next(); next && !this.isClosed(); next = await inbox.next()) {
        yield next.item;
        feed.resume();
      }
    } finally {
      feed.close();
    }
  }

  /** `closed` may change during every await; reading it through a call keeps the compiler from thinking otherwise. */
  private isClosed(): boolean {
    return this.closed;
  }
}

/** Holds one item until it is asked for. */
class Inbox<Item> implements Follower<Item> {
  private held: { readonly item: Item } | undefined;
  private ended: { readonly error: Error | undefined } | undefined;
  private wake: (() => void) | undefined;

  take(item: Item): boolean {
    this.held = { item };
    this.wake?.();
    return false;
  }

  end(error?: unknown): void {
    this.ended = {
      error: error === undefined || error instanceof Error ? error : new Error('The feed failed.', { cause: error }),
    };
    this.wake?.();
  }

  /** undefined at the end. @throws what the feed failed with */
  async next(): Promise<{ readonly item: Item } | undefined> {
    if (!this.held && !this.ended) await new Promise<void>((resolve) => (this.wake = resolve));
    this.wake = undefined;
    const next = this.held;
    this.held = undefined;
    if (!next && this.ended?.error !== undefined) throw this.ended.error;
    return next;
  }
}
