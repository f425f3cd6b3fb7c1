import type { JobEvent, JobEventBody } from '#contracts';
import { EventBus, type PublishOptions } from '../event-bus.port.js';
import type { Feed, Follower } from '../feed.js';

/** What the instances of one backing share. */
export interface MemoryLog {
  readonly jobs: Map<string, { lastSeq: number; events: JobEvent[]; keys: Set<string>; updatedAt: number }>;
  readonly wakeUps: Set<() => void>;
  readonly forgotten: Set<string>;
}

export function emptyMemoryLog(): MemoryLog {
  return { jobs: new Map(), wakeUps: new Set(), forgotten: new Set() };
}

/** The rules of the port in the plainest form, to check the contract suite itself with; never used by the product. */
export class MemoryEventBus extends EventBus {
  private readonly open = new Set<Feed>();

  constructor(protected readonly log: MemoryLog) {
    super();
  }

  override publish(
    jobId: string,
    events: readonly JobEventBody[],
    { key }: PublishOptions = {},
  ): Promise<readonly JobEvent[]> {
    if (this.log.forgotten.has(jobId)) return Promise.resolve([]);
    const job = this.job(jobId);
    if (key !== undefined && job.keys.has(key)) return Promise.resolve([]);
    if (key !== undefined) job.keys.add(key);
    // Through JSON, as a real log stores it.
    const stored = events.map((event) => ({
      ...(JSON.parse(JSON.stringify(event)) as JobEventBody),
      seq: ++job.lastSeq,
    }));
    job.events.push(...stored);
    job.updatedAt = Date.now();
    for (const wakeUp of this.log.wakeUps) wakeUp();
    return Promise.resolve(stored);
  }

  /** There is no database whose statements could take them along. */
  override draft(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override follow(jobId: string, afterSeq: number, follower: Follower<JobEvent>): Feed {
    const { log, open } = this;
    let last = afterSeq;
    let held = false;
    const give = (): void => {
      for (const event of [...(log.jobs.get(jobId)?.events ?? [])]) {
        if (held || !open.has(feed)) return;
        if (event.seq <= last) continue;
        last = event.seq;
        held = !follower.take(event);
      }
    };
    const feed: Feed = {
      resume: () => {
        held = false;
        queueMicrotask(give);
      },
      close: () => {
        log.wakeUps.delete(give);
        if (open.delete(feed)) follower.end();
      },
    };
    open.add(feed);
    log.wakeUps.add(give);
    queueMicrotask(give);
    return feed;
  }

  override history(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]> {
    const events = this.log.jobs.get(jobId)?.events ?? [];
    return Promise.resolve(events.filter((event) => event.seq > afterSeq).slice(0, limit));
  }

  override forget(jobId: string): Promise<void> {
    this.log.jobs.delete(jobId);
    this.log.forgotten.add(jobId);
    return Promise.resolve();
  }

  override expire(olderThan: Date): Promise<number> {
    const old = [...this.log.jobs.values()].filter(
      (job) => job.events.length > 0 && job.updatedAt < olderThan.getTime(),
    );
    for (const job of old) job.events = [];
    return Promise.resolve(old.length);
  }

  override ping(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    for (const feed of this.open) feed.close();
    return Promise.resolve();
  }

  protected job(jobId: string) {
    const job = this.log.jobs.get(jobId) ?? { lastSeq: 0, events: [], keys: new Set<string>(), updatedAt: Date.now() };
    this.log.jobs.set(jobId, job);
    return job;
  }
}
