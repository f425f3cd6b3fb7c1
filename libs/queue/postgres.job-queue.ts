import { asUnavailable } from '#postgres';
import { withDeadline } from '#timing';
import type { Logger } from '#telemetry';
import { bullPriority, ANY_NUMBER_OF_TIMES } from './bullmq-settings.js';
import { JobQueue, type QueueConsumer, type QueuedJob, type QueueHandler } from './job-queue.port.js';
import { bull, CALL_DEADLINE_MS, connectionOptions, migrateQueue } from './postgres-backend.js';
import { PostgresQueueConsumer } from './postgres.queue-consumer.js';

export interface PostgresJobQueueOptions {
  readonly databaseUrl: string;
  readonly logger: Logger;
  /** One by default; tests keep apart what they put in. */
  readonly name?: string;
}

/** What an entry carries. BullMQ numbers its entries itself; the job is known by its deduplication id. */
export interface EntryData {
  readonly jobId: string;
}

type Entries = InstanceType<typeof bull.Queue<EntryData>>;

const DEFAULT_NAME = 'transcription';
/** The first call may have to set up the tables, or wait for another process that does; a server that is away shows sooner. */
const OPEN_DEADLINE_MS = 15_000;
const UNAVAILABLE = 'The job queue does not answer; try again later.';
/** Nothing here reads BullMQ's own events; it keeps 10,000 by default. */
const KEPT_BULL_EVENTS = 500;

/**
 * BullMQ on PostgreSQL.
 *
 * The job id is BullMQ's deduplication id and not its entry id, with `keepLastIfActive`: an entry that waits makes a second
 * one superfluous, but one that is with a handler does not. Work that is enqueued while its handler still runs (a worker
 * that hands it back, a client that retries it) waits until that handler has ended and is then given out again, in the
 * same transaction.
 */
export class PostgresJobQueue extends JobQueue {
  private opened: Promise<Entries> | undefined;
  private readonly consumers = new Set<PostgresQueueConsumer>();
  private readonly name: string;

  constructor(private readonly options: PostgresJobQueueOptions) {
    super();
    this.name = options.name ?? DEFAULT_NAME;
  }

  override async enqueue(job: QueuedJob, delayMs = 0): Promise<void> {
    await this.ask((entries) =>
      entries.add('transcribe', { jobId: job.jobId } satisfies EntryData, {
        priority: bullPriority(job.priority),
        delay: Math.max(0, Math.round(delayMs)),
        deduplication: { id: job.jobId, keepLastIfActive: true },
        attempts: ANY_NUMBER_OF_TIMES,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: true,
        stackTraceLimit: 0,
      }),
    );
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

  override consume(concurrency: number, handler: QueueHandler): QueueConsumer {
    const consumer = new PostgresQueueConsumer({
      name: this.name,
      databaseUrl: this.options.databaseUrl,
      logger: this.options.logger,
      concurrency,
      handler,
      ready: async () => {
        await this.entries();
      },
      onClosed: () => this.consumers.delete(consumer),
    });
    this.consumers.add(consumer);
    return consumer;
  }

  override async ping(): Promise<void> {
    await this.depth();
  }

  override async close(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close(0)));
    const entries = await this.opened?.catch(() => undefined);
    this.opened = Promise.reject(new Error('The job queue is closed.'));
    this.opened.catch(() => undefined);
    await entries?.close();
  }

  private async ask<T>(question: (entries: Entries) => Promise<T>): Promise<T> {
    try {
      const entries = await withDeadline(this.entries(), OPEN_DEADLINE_MS, UNAVAILABLE);
      return await withDeadline(question(entries), CALL_DEADLINE_MS, UNAVAILABLE);
    } catch (error) {
      throw asUnavailable(error, UNAVAILABLE);
    }
  }

  /** Opened at the first call. A failure is not kept: the database may be back at the next. */
  private entries(): Promise<Entries> {
    this.opened ??= this.open().catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }

  private async open(): Promise<Entries> {
    const { databaseUrl, logger } = this.options;
    await migrateQueue(databaseUrl);
    const entries = new bull.Queue<EntryData>(this.name, {
      connection: connectionOptions(databaseUrl),
      streams: { events: { maxLen: KEPT_BULL_EVENTS } },
    });
    entries.on('error', (error) => logger.debug({ err: error }, 'the job queue lost a connection'));
    try {
      await entries.waitUntilReady();
      return entries;
    } catch (error) {
      // BullMQ keeps a failed start for good: only a new instance can succeed.
      await entries.close();
      throw error;
    }
  }
}
