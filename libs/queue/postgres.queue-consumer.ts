import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { backoffMs, withDeadline } from '#timing';
import type { Logger } from '#telemetry';
import {
  ANY_NUMBER_OF_TIMES,
  LOCK_MS,
  portPriority,
  RECONNECT_FIRST_MS,
  RECONNECT_MOST_MS,
  RETRY_FIRST_MS,
  RETRY_MOST_MS,
  STALLED_LOOK_MS,
} from './bullmq-settings.js';
import type { QueueConsumer, QueueHandler } from './job-queue.port.js';
import { bull, connectionOptions } from './postgres-backend.js';

/** For how long a handler may run on after its signal was aborted; then its work is left to the next consumer. */
const ABORTED_HANDLER_DEADLINE_MS = 10_000;
const DISCONNECT_DEADLINE_MS = 2_000;

export interface PostgresQueueConsumerOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly logger: Logger;
  readonly concurrency: number;
  readonly handler: QueueHandler;
  /** Resolves when the queue's tables are there. */
  readonly ready: () => Promise<void>;
  readonly onClosed: () => void;
}

type Worker = InstanceType<typeof bull.Worker<EntryData>>;

interface EntryData {
  readonly jobId: string;
}

/** What the queue keeps of a failure. The handler's own error may name files or hold text, and has been logged by it. */
class HandlerFailed extends Error {
  override readonly name = 'HandlerFailed';

  constructor(readonly giveOutAtOnce: boolean) {
    super('the handler failed');
  }
}

/** Runs a BullMQ worker; starts it as soon as the database answers. */
export class PostgresQueueConsumer implements QueueConsumer {
  private readonly stop = new AbortController();
  private readonly handling = new Map<string, AbortController>();
  private readonly started: Promise<Worker | undefined>;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: PostgresQueueConsumerOptions) {
    this.started = this.start();
  }

  close(graceMs: number): Promise<void> {
    this.closing ??= this.closeOnce(graceMs).finally(this.options.onClosed);
    return this.closing;
  }

  private async closeOnce(graceMs: number): Promise<void> {
    this.stop.abort();
    const worker = await this.started;
    if (!worker) return;
    const closed = worker.close();
    const grace = setTimeout(() => this.abortHandlers(), graceMs);
    try {
      await withDeadline(closed, graceMs + ABORTED_HANDLER_DEADLINE_MS, 'A handler did not stop.');
    } catch (error) {
      this.options.logger.error({ err: error, jobIds: [...this.handling.keys()] }, 'left work that would not stop');
      await withDeadline(worker.disconnect(), DISCONNECT_DEADLINE_MS, '').catch(() => undefined);
    } finally {
      clearTimeout(grace);
    }
  }

  private abortHandlers(): void {
    for (const controller of this.handling.values()) controller.abort();
  }

  /** @returns undefined when it was closed before the database answered */
  private async start(): Promise<Worker | undefined> {
    for (let attempt = 1; !this.stop.signal.aborted; attempt += 1) {
      const worker = await this.tryToStart(attempt);
      if (worker) return worker;
      const pauseMs = backoffMs(attempt, RECONNECT_FIRST_MS, RECONNECT_MOST_MS);
      await sleep(pauseMs, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
    return undefined;
  }

  private async tryToStart(attempt: number): Promise<Worker | undefined> {
    let worker: Worker | undefined;
    try {
      await this.options.ready();
      worker = this.worker();
      await worker.waitUntilReady();
      void worker.run().catch((error: unknown) => this.options.logger.error({ err: error }, 'the consumer failed'));
      return worker;
    } catch (error) {
      // One line for an outage, not one for each attempt.
      if (attempt === 1) this.options.logger.warn({ err: error }, 'the job queue does not answer; still trying');
      // BullMQ keeps a failed start for good: only a new instance can succeed.
      await worker?.close(true);
      return undefined;
    }
  }

  private worker(): Worker {
    const { name, databaseUrl, concurrency, logger } = this.options;
    const worker = new bull.Worker<EntryData>(name, (entry) => this.handle(entry), {
      connection: connectionOptions(databaseUrl),
      autorun: false,
      concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_LOOK_MS,
      maxStalledCount: ANY_NUMBER_OF_TIMES,
      runRetryDelay: RECONNECT_FIRST_MS,
      settings: {
        backoffStrategy: (attemptsMade, _type, error) =>
          error instanceof HandlerFailed && error.giveOutAtOnce
            ? 0
            : backoffMs(attemptsMade, RETRY_FIRST_MS, RETRY_MOST_MS),
      },
    });
    worker.on('error', (error) => logger.warn({ err: error }, 'the consumer has trouble with the job queue'));
    worker.on('stalled', (entryId) => logger.warn({ entryId }, 'took over work of a consumer that died'));
    worker.on('lockRenewalFailed', (entryIds: string[]) => this.onLocksLost(entryIds));
    return worker;
  }

  private async handle(entry: Job<EntryData>): Promise<void> {
    const controller = new AbortController();
    const entryId = entry.id ?? '';
    this.handling.set(entryId, controller);
    try {
      await this.options.handler(
        { jobId: entry.data.jobId, priority: portPriority(entry.opts.priority ?? 10) },
        controller.signal,
      );
    } catch (error) {
      this.options.logger.debug({ err: error, jobId: entry.data.jobId }, 'the handler gave work back');
      throw new HandlerFailed(this.stop.signal.aborted);
    } finally {
      this.handling.delete(entryId);
    }
  }

  /** Another consumer may have the work by now: two must not go on with it. */
  private onLocksLost(entryIds: readonly string[]): void {
    for (const entryId of entryIds) this.handling.get(entryId)?.abort();
  }
}
