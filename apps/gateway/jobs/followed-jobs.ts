import type { Feed } from '#events';

/** How often it is looked whether a job that is followed is still there. */
const STILL_THERE_EVERY_MS = 10_000;

/** Closes the feeds of jobs that are no more. One look serves all who follow a job. */
export class FollowedJobs {
  private readonly feeds = new Map<string, Set<Feed>>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(private readonly isThere: (jobId: string) => Promise<boolean>) {}

  add(jobId: string, feed: Feed): void {
    const known = this.feeds.get(jobId);
    if (known) known.add(feed);
    else this.feeds.set(jobId, new Set([feed]));
    this.timer ??= setInterval(() => void this.look(), STILL_THERE_EVERY_MS);
  }

  remove(jobId: string, feed: Feed): void {
    const known = this.feeds.get(jobId);
    known?.delete(feed);
    if (known?.size === 0) this.feeds.delete(jobId);
    if (this.feeds.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** One job after the other, so that many of them are no burst for the database. */
  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    for (const [jobId, feeds] of [...this.feeds]) {
      // Where the database is away, the next look will tell.
      const isThere = await this.isThere(jobId).catch(() => true);
      if (!isThere) for (const feed of [...feeds]) feed.close();
    }
    this.looking = false;
  }
}
