import type { Logger } from '#telemetry';
import { Batches, withDeadline } from '#timing';
import { bullPriority, ANY_NUMBER_OF_TIMES } from './bullmq-settings.js';
import { BullmqQueueConsumer } from './bullmq.queue-consumer.js';
import { JobQueue, type QueueConsumer, type QueuedJob, type QueueHandler } from './job-queue.port.js';
import { CALL_DEADLINE_MS, type Entries, type NewEntry, type QueueStore } from './queue-store.js';

export interface BullmqJobQueueOptions {
  readonly store: QueueStore;
  readonly logger: Logger;
  /** One by default; tests keep apart what they put in. */
  readonly name?: string;
}

/** Work on its way into the queue. */
interface Addition extends QueuedJob {
  readonly delayMs: number;
}

const DEFAULT_NAME = 'transcription';
/** Entries that one step adds. */
const BATCH_ENTRIES = 64;
const CLOSE_DEADLINE_MS = 6_000;
const UNAVAILABLE = 'The job queue does not answer; try again later.';

/**
 * BullMQ, on any store that it runs on.
 *
 * The job id is BullMQ's deduplication id and not its entry id, with `keepLastIfActive`: an entry that waits makes a second
 * one superfluous, but one that is with a handler does not. Work that is enqueued while its handler still runs (a worker
 * that hands it back, a client that retries it) waits until that handler has ended and is then given out again; both
 * happen together.
 */
export class BullmqJobQueue extends JobQueue {
  private opened: Promise<Entries> | undefined;
  /** What there is to free, ready or not. */
  private current: Entries | undefined;
  private closed = false;
  private readonly consumers = new Set<BullmqQueueConsumer>();
  private readonly name: string;
  private readonly additions = new Batches<Addition, undefined>({
    most: BATCH_ENTRIES,
    run: async (additions) => this.addAll(additions),
    isOfOne: () => false,
  });

  constructor(private readonly options: BullmqJobQueueOptions) {
    super();
    this.name = options.name ?? DEFAULT_NAME;
  }

  override async enqueue(job: QueuedJob, delayMs = 0): Promise<void> {
    await this.additions.add({ ...job, delayMs });
  }

  override async remove(jobId: string): Promise<void> {
    await this.ask(async (entries) => {
      const entryId = await entries.getDeduplicationJobId(jobId);
      if (entryId !== null) await entries.remove(entryId);
    });
  }

  override async has(jobId: string): Promise<boolean> {
    return this.ask(async (entries) => {
      const entryId = await entries.getDeduplicationJobId(jobId);
      if (entryId === null) return false;
      return ['waiting', 'prioritized', 'delayed', 'active'].includes(await entries.getJobState(entryId));
    });
  }

  override async depth(): Promise<number> {
    return this.ask((entries) => entries.getJobCountByTypes('waiting', 'prioritized', 'delayed'));
  }

  override async waiting(): Promise<number> {
    return this.ask((entries) => entries.getJobCountByTypes('waiting', 'prioritized'));
  }

  override consume(concurrency: number, handler: QueueHandler): QueueConsumer {
    const consumer = new BullmqQueueConsumer({
      name: this.name,
      store: this.options.store,
      logger: this.options.logger,
      concurrency,
      handler,
      ready: () => this.entries(),
      onClosed: () => this.consumers.delete(consumer),
    });
    this.consumers.add(consumer);
    return consumer;
  }

  override async ping(): Promise<void> {
    await this.depth();
  }

  override async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.consumers].map((consumer) => consumer.close(0)));
    const entries = this.current;
    this.current = undefined;
    if (entries) await this.free(entries);
    // An opening that is under way sees that it came too late, and frees what it made.
    await this.opened?.catch(() => undefined);
  }

  private async addAll(additions: readonly Addition[]): Promise<undefined[]> {
    await this.ask((entries) => entries.addBulk(additions.map((addition) => this.entryOf(addition))));
    return additions.map(() => undefined);
  }

  private entryOf({ jobId, priority, delayMs }: Addition): NewEntry {
    const entryId = this.options.store.entryId();
    return {
      name: 'transcribe',
      data: { jobId },
      opts: {
        priority: bullPriority(priority),
        delay: Math.max(0, Math.round(delayMs)),
        deduplication: { id: jobId, keepLastIfActive: true },
        attempts: ANY_NUMBER_OF_TIMES,
        backoff: { type: 'custom' },
        ...(entryId === undefined ? {} : { jobId: entryId }),
        removeOnComplete: true,
        removeOnFail: true,
        stackTraceLimit: 0,
      },
    };
  }

  private async ask<T>(question: (entries: Entries) => Promise<T>): Promise<T> {
    const { store } = this.options;
    try {
      const entries = await withDeadline(this.entries(), store.openDeadlineMs, UNAVAILABLE);
      return await this.answer(entries, question(entries));
    } catch (error) {
      throw store.asUnavailable(error, UNAVAILABLE);
    }
  }

  private async answer<T>(entries: Entries, question: Promise<T>): Promise<T> {
    const call = { answered: false };
    const noted = question.finally(() => (call.answered = true));
    try {
      return await withDeadline(noted, CALL_DEADLINE_MS, UNAVAILABLE);
    } finally {
      if (!call.answered) this.options.store.recover(entries);
    }
  }

  /** Opened at the first call. A failure is not kept: the store may be back at the next. */
  private entries(): Promise<Entries> {
    if (this.closed) return Promise.reject(new Error('The job queue is closed.'));
    this.opened ??= this.open().catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }

  private async open(): Promise<Entries> {
    const { store, logger } = this.options;
    await store.prepare();
    if (this.closed) throw new Error('The job queue is closed.');
    const entries = store.queue(this.name);
    this.current = entries;
    entries.on('error', (error) => logger.debug({ err: store.forLog(error) }, 'the job queue lost a connection'));
    try {
      await entries.waitUntilReady();
      return entries;
    } catch (error) {
      // BullMQ keeps a failed start for good: only a new instance can succeed.
      await this.free(entries);
      throw error;
    }
  }

  /** Without an orderly end where the store does not answer. */
  private async free(entries: Entries): Promise<void> {
    try {
      await withDeadline(entries.close(), CLOSE_DEADLINE_MS, UNAVAILABLE);
    } catch {
      await withDeadline(entries.disconnect(), CALL_DEADLINE_MS, UNAVAILABLE).catch(() => undefined);
    }
  }
}
