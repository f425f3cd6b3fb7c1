import type { JobEvent } from '#contracts';
import { backoffMs } from '#timing';
import { PAGE_EVENTS } from './event-log.js';
import type { Feed, Follower } from './feed.js';
import type { JobTopic, Listening } from './job-topic.js';

/** For how long a follower waits for a log that does not answer, before it is given up. */
const OUTAGE_LIMIT_MS = 60_000;
const RETRY_FIRST_MS = 200;
const RETRY_MOST_MS = 5_000;

/** Joins a topic for as long as somebody follows. */
export interface TopicDoor {
  enter(feed: LogFeed): JobTopic;
  leave(feed: LogFeed): void;
}

/**
 * Reads a job's log page by page for one follower and, at its end, waits until it hears that there is more. Holds no promise
 * and no timer of its own while it waits: thousands of them follow one job.
 */
export class LogFeed implements Feed, Listening {
  private state: 'reading' | 'giving' | 'held' | 'waiting' | 'closed' = 'reading';
  private topic: JobTopic | undefined;
  private page: readonly JobEvent[] = [];
  private given = 0;
  /** The highest sequence heard of since the last read began; 0 when nothing was. */
  private heardSeq = 0;
  private outage: { readonly since: number; attempts: number; retry: NodeJS.Timeout | undefined } | undefined;

  constructor(
    readonly jobId: string,
    private lastSeq: number,
    private readonly follower: Follower<JobEvent>,
    private readonly door: TopicDoor,
  ) {}

  /** Joins before the first read: what is published in between is then heard of. */
  start(): void {
    this.topic = this.door.enter(this);
    if (!this.isClosed()) this.read();
  }

  heard(seq: number): void {
    this.heardSeq = Math.max(this.heardSeq, seq);
    if (this.state === 'waiting' && seq > this.lastSeq) this.read();
  }

  resume(): void {
    if (this.state === 'held') this.give();
  }

  close(): void {
    this.finish();
  }

  private read(): void {
    this.state = 'reading';
    this.heardSeq = 0;
    this.topic?.read(this.lastSeq).then(
      (page) => this.onPage(page),
      (error: unknown) => this.onFailure(error),
    );
  }

  private onPage(page: readonly JobEvent[]): void {
    if (this.isClosed()) return;
    this.outage = undefined;
    this.page = page;
    this.given = 0;
    this.give();
  }

  private give(): void {
    this.state = 'giving';
    for (let event = this.page[this.given]; event; event = this.page[this.given]) {
      this.given += 1;
      this.lastSeq = event.seq;
      const wantsMore = this.offer(event);
      if (this.isClosed()) return;
      if (!wantsMore) {
        this.state = 'held';
        return;
      }
    }
    const isAtEnd = this.page.length < PAGE_EVENTS && this.heardSeq <= this.lastSeq;
    this.page = [];
    if (isAtEnd) this.state = 'waiting';
    else this.read();
  }

  private offer(event: JobEvent): boolean {
    try {
      return this.follower.take(event);
    } catch (error) {
      this.finish(error);
      return false;
    }
  }

  private onFailure(error: unknown): void {
    if (this.isClosed()) return;
    this.outage ??= { since: Date.now(), attempts: 0, retry: undefined };
    if (Date.now() - this.outage.since > OUTAGE_LIMIT_MS) {
      this.finish(error);
      return;
    }
    this.outage.attempts += 1;
    const pauseMs = backoffMs(this.outage.attempts, RETRY_FIRST_MS, RETRY_MOST_MS);
    this.outage.retry = setTimeout(() => this.read(), pauseMs);
  }

  private finish(error?: unknown): void {
    if (this.isClosed()) return;
    this.state = 'closed';
    this.page = [];
    clearTimeout(this.outage?.retry);
    this.door.leave(this);
    this.follower.end(error);
  }

  /** `state` may change during every call of the follower; reading it through a call keeps the compiler from thinking otherwise. */
  private isClosed(): boolean {
    return this.state === 'closed';
  }
}
