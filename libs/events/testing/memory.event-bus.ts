import type { JobEvent, JobEventBody } from '#contracts';
import { EventBus, type EventSubscription, type PublishOptions } from '../event-bus.port.js';

/** What the instances of one backing share. */
export interface MemoryLog {
  readonly jobs: Map<string, { lastSeq: number; events: JobEvent[]; keys: Set<string>; updatedAt: number }>;
  readonly wakeUps: Set<() => void>;
}

export function emptyMemoryLog(): MemoryLog {
  return { jobs: new Map(), wakeUps: new Set() };
}

/** The rules of the port in the plainest form, to check the contract suite itself with; never used by the product. */
export class MemoryEventBus extends EventBus {
  private readonly open = new Set<EventSubscription>();

  constructor(protected readonly log: MemoryLog) {
    super();
  }

  override publish(
    jobId: string,
    events: readonly JobEventBody[],
    { key }: PublishOptions = {},
  ): Promise<readonly JobEvent[]> {
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

  override subscribe(jobId: string, afterSeq: number): EventSubscription {
    const { log, open } = this;
    const closing = new AbortController();
    const { signal } = closing;
    const subscription: EventSubscription = {
      close: () => closing.abort(),
      async *[Symbol.asyncIterator]() {
        let last = afterSeq;
        open.add(subscription);
        while (!signal.aborted) {
          const news = deferred();
          const wakeUp = () => news.resolve();
          log.wakeUps.add(wakeUp);
          signal.addEventListener('abort', wakeUp, { once: true });
          for (const event of [...(log.jobs.get(jobId)?.events ?? [])]) {
            if (event.seq <= last) continue;
            last = event.seq;
            yield event;
          }
          if (!isAborted(signal)) await news.promise;
          log.wakeUps.delete(wakeUp);
        }
      },
    };
    return subscription;
  }

  override history(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]> {
    const events = this.log.jobs.get(jobId)?.events ?? [];
    return Promise.resolve(events.filter((event) => event.seq > afterSeq).slice(0, limit));
  }

  override forget(jobId: string): Promise<void> {
    this.log.jobs.delete(jobId);
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
    for (const subscription of this.open) subscription.close();
    return Promise.resolve();
  }

  protected job(jobId: string) {
    const job = this.log.jobs.get(jobId) ?? { lastSeq: 0, events: [], keys: new Set<string>(), updatedAt: Date.now() };
    this.log.jobs.set(jobId, job);
    return job;
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Through a call, as the signal may abort while the reader holds an event. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
