import { endsStream, type JobEvent } from '#contracts';
import type { Feed, Follower } from '#events';
import type { WatchedEvent } from './job-news.js';

export interface JobFeedOptions {
  /** Whether the job ended with this event. */
  readonly isLastEnd: (event: JobEvent) => Promise<boolean>;
  readonly onEnd: () => void;
}

/** A job's events for one watcher, up to the job's last end. */
export class JobFeed implements Feed, Follower<JobEvent> {
  private source: Feed | undefined;
  private isOver = false;
  private isJudging = false;

  constructor(
    private readonly follower: Follower<WatchedEvent>,
    private readonly options: JobFeedOptions,
  ) {}

  start(follow: (events: Follower<JobEvent>) => Feed): void {
    this.source = follow(this);
  }

  take(event: JobEvent): boolean {
    if (!endsStream(event.type)) return this.follower.take({ position: event.seq, body: event });
    void this.judge(event);
    return false;
  }

  end(error?: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.options.onEnd();
    this.source?.close();
    this.follower.end(error);
  }

  /** What a watcher has room for meanwhile would come before the event that is being judged. */
  resume(): void {
    if (!this.isJudging) this.source?.resume();
  }

  close(): void {
    this.end();
  }

  /** The end of an attempt that was retried is no end: who reads it would go away and miss the rest. */
  private async judge(event: JobEvent): Promise<void> {
    this.isJudging = true;
    try {
      const isLast = await this.options.isLastEnd(event);
      this.isJudging = false;
      if (this.isOver) return;
      if (!isLast) {
        this.source?.resume();
        return;
      }
      this.follower.take({ position: event.seq, body: event });
      this.end();
    } catch (error) {
      this.end(error);
    }
  }
}
