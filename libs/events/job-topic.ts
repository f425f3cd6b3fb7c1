import type { JobEvent } from '#contracts';
import { PAGE_EVENTS } from './event-log.js';

/** A feed, as its topic sees it. */
export interface Listening {
  /** The log has grown to this sequence; Infinity when that is not known. */
  heard(seq: number): void;
  close(): void;
}

/** Where a topic reads its job's events. */
export interface EventReader {
  read(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]>;
}

/** The feeds of one process from one job's log. Those that stand at the same place share one read of the log. */
export class JobTopic {
  private readonly feeds = new Set<Listening>();
  private readonly reads = new Map<number, Promise<readonly JobEvent[]>>();

  constructor(
    private readonly jobId: string,
    private readonly log: EventReader,
  ) {}

  get empty(): boolean {
    return this.feeds.size === 0;
  }

  join(feed: Listening): void {
    this.feeds.add(feed);
  }

  leave(feed: Listening): void {
    this.feeds.delete(feed);
  }

  /** @param seq the log has grown to this; Infinity when that is not known */
  heard(seq: number): void {
    // A read that is under way may have begun before the news was in the log: who asks from now on must not share it.
    this.reads.clear();
    for (const feed of this.feeds) feed.heard(seq);
  }

  close(): void {
    for (const feed of [...this.feeds]) feed.close();
  }

  read(afterSeq: number): Promise<readonly JobEvent[]> {
    const shared = this.reads.get(afterSeq);
    if (shared) return shared;
    const read = this.log.read(this.jobId, afterSeq, PAGE_EVENTS).finally(() => {
      if (this.reads.get(afterSeq) === read) this.reads.delete(afterSeq);
    });
    this.reads.set(afterSeq, read);
    return read;
  }
}
