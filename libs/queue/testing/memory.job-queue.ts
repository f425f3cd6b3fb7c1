import { JobQueue, type QueueConsumer, type QueuedJob, type QueueHandler } from '../job-queue.port.js';

export interface MemoryEntry {
  readonly job: QueuedJob;
  readonly order: number;
  notBefore: number;
  active: boolean;
  /** Put in again while a handler has it. */
  again: { delayMs: number } | undefined;
}

/** What the instances of one backing share. */
export interface MemoryEntries {
  readonly byJob: Map<string, MemoryEntry>;
  readonly consumers: Set<MemoryConsumer>;
  order: number;
}

export function noMemoryEntries(): MemoryEntries {
  return { byJob: new Map(), consumers: new Set(), order: 0 };
}

const RETRY_MS = 50;

class MemoryConsumer implements QueueConsumer {
  readonly running = new Map<Promise<void>, AbortController>();
  private closed = false;

  constructor(
    private readonly queue: MemoryJobQueue,
    private readonly concurrency: number,
    private readonly handler: QueueHandler,
  ) {}

  take(): void {
    while (!this.closed && this.running.size < this.concurrency) {
      const entry = this.queue.claim();
      if (!entry) return;
      const controller = new AbortController();
      const run = this.run(entry, controller.signal).finally(() => {
        this.running.delete(run);
        this.queue.wakeAll();
      });
      this.running.set(run, controller);
    }
  }

  async close(graceMs: number): Promise<void> {
    this.closed = true;
    const grace = setTimeout(() => {
      for (const controller of this.running.values()) controller.abort();
    }, graceMs);
    await Promise.all(this.running.keys());
    clearTimeout(grace);
  }

  private async run(entry: MemoryEntry, signal: AbortSignal): Promise<void> {
    try {
      await this.handler(entry.job, signal);
      this.queue.finish(entry);
    } catch {
      this.queue.giveBack(entry, this.closed ? 0 : RETRY_MS);
    }
  }
}

/** The rules of the port in the plainest form, to check the contract suite itself with; never used by the product. */
export class MemoryJobQueue extends JobQueue {
  private readonly own = new Set<MemoryConsumer>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(protected readonly entries: MemoryEntries) {
    super();
  }

  override enqueue(job: QueuedJob, delayMs = 0): Promise<void> {
    const existing = this.entries.byJob.get(job.jobId);
    if (existing?.active) existing.again = { delayMs };
    else if (!existing) this.add(job, delayMs);
    return Promise.resolve();
  }

  override remove(jobId: string): Promise<void> {
    if (this.entries.byJob.get(jobId)?.active === false) this.entries.byJob.delete(jobId);
    return Promise.resolve();
  }

  override has(jobId: string): Promise<boolean> {
    return Promise.resolve(this.entries.byJob.has(jobId));
  }

  override depth(): Promise<number> {
    return Promise.resolve([...this.entries.byJob.values()].filter((entry) => !entry.active).length);
  }

  override waiting(): Promise<number> {
    const now = Date.now();
    const waiting = [...this.entries.byJob.values()].filter((entry) => !entry.active && entry.notBefore <= now);
    return Promise.resolve(waiting.length);
  }

  override consume(concurrency: number, handler: QueueHandler): QueueConsumer {
    const consumer = new MemoryConsumer(this, concurrency, handler);
    this.own.add(consumer);
    this.entries.consumers.add(consumer);
    consumer.take();
    return consumer;
  }

  override ping(): Promise<void> {
    return Promise.resolve();
  }

  override async close(): Promise<void> {
    await Promise.all([...this.own].map((consumer) => consumer.close(0)));
    for (const timer of this.timers) clearTimeout(timer);
  }

  claim(): MemoryEntry | undefined {
    const [first] = [...this.entries.byJob.values()]
      .filter((entry) => !entry.active && entry.notBefore <= Date.now())
      .sort((a, b) => this.compare(a, b));
    if (first) first.active = true;
    return first;
  }

  finish(entry: MemoryEntry): void {
    this.entries.byJob.delete(entry.job.jobId);
    if (entry.again) this.add(entry.job, entry.again.delayMs);
  }

  giveBack(entry: MemoryEntry, delayMs: number): void {
    entry.active = false;
    entry.notBefore = Date.now() + delayMs;
    this.wakeIn(delayMs);
  }

  wakeAll(): void {
    for (const consumer of this.entries.consumers) consumer.take();
  }

  protected compare(a: MemoryEntry, b: MemoryEntry): number {
    return b.job.priority - a.job.priority || a.order - b.order;
  }

  protected add(job: QueuedJob, delayMs: number): void {
    this.entries.order += 1;
    const entry = { job, order: this.entries.order, notBefore: Date.now() + delayMs, active: false, again: undefined };
    this.entries.byJob.set(job.jobId, entry);
    this.wakeIn(delayMs);
  }

  private wakeIn(delayMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.wakeAll();
    }, delayMs + 1);
    this.timers.add(timer);
  }
}
