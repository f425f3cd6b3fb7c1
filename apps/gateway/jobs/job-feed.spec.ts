import type { JobEvent } from '#contracts';
import type { Feed, Follower } from '#events';
import { eventually } from '#testing';
import { JobFeed } from './job-feed.js';
import type { WatchedEvent } from './job-news.js';

const cancelled = (seq: number): JobEvent => ({ seq, type: 'cancelled', data: { job_id: 'a' } });
const redone = (seq: number): JobEvent => ({ seq, type: 'void', data: { span: 0 } });

/** Pushes a log until it is told to hold. */
class LogOf implements Feed {
  private given = 0;
  private follower: Follower<JobEvent> | undefined;

  constructor(private readonly events: readonly JobEvent[]) {}

  follow(follower: Follower<JobEvent>): Feed {
    this.follower = follower;
    setImmediate(() => this.resume());
    return this;
  }

  resume(): void {
    for (let event = this.events[this.given]; event; event = this.events[this.given]) {
      this.given += 1;
      if (this.follower?.take(event) !== true) return;
    }
  }

  close(): void {
    this.follower = undefined;
  }
}

/** Takes all that it is given, and has notes of it. */
class Watcher implements Follower<WatchedEvent> {
  readonly seen: (number | 'end')[] = [];
  ends = 0;

  take({ position }: WatchedEvent): boolean {
    this.seen.push(position);
    return true;
  }

  end(): void {
    this.ends += 1;
  }
}

describe('JobFeed', () => {
  it('gives nothing from behind an end that is being judged, whatever room the watcher has', async () => {
    const watcher = new Watcher();
    let judge: ((isLast: boolean) => void) | undefined;
    const isLastEnd = () => new Promise<boolean>((resolve) => (judge = resolve));
    const feed = new JobFeed(watcher, { isLastEnd, onEnd: () => undefined });
    const log = new LogOf([redone(1), cancelled(2), redone(3)]);
    feed.start((follower) => log.follow(follower));
    await eventually('the end is judged', () => judge !== undefined);
    feed.resume();
    expect(watcher.seen).toEqual([1]);
    judge?.(true);
    await eventually('the end', () => watcher.ends === 1);
    expect(watcher.seen).toEqual([1, 2]);
  });

  it('goes on behind the end of an attempt that was retried', async () => {
    const watcher = new Watcher();
    const isLastEnd = ({ seq }: JobEvent) => Promise.resolve(seq === 3);
    const feed = new JobFeed(watcher, { isLastEnd, onEnd: () => undefined });
    const log = new LogOf([cancelled(1), redone(2), cancelled(3), redone(4)]);
    feed.start((follower) => log.follow(follower));
    await eventually('the end', () => watcher.ends === 1);
    expect(watcher.seen).toEqual([2, 3]);
  });
});
