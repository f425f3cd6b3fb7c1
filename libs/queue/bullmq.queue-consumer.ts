import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from 'bullmq';
import type { Logger } from '#telemetry';
import { backoffMs, withDeadline } from '#timing';
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
import type { EntryData, EntryWorker, QueueStore } from './queue-store.js';

/** For how long a handler may run on after its signal was aborted; then its work is left to the next consumer. */
const ABORTED_HANDLER_DEADLINE_MS = 10_000;
/** What writing down the last outcomes may take. */
const SETTLE_DEADLINE_MS = 6_000;
const DISCONNECT_DEADLINE_MS = 2_000;
const CONNECT_GRACE_MS = 3_000;
const TROUBLE_EVERY_MS = 30_000;

export interface BullmqQueueConsumerOptions {
  readonly name: string;
  readonly store: QueueStore;
  readonly logger: Logger;
  readonly concurrency: number;
  readonly handler: QueueHandler;
  /** Resolves when the store is set up and answers. */
  readonly ready: () => Promise<unknown>;
  readonly onClosed: () => void;
}

/** What the queue keeps of a failure. The handler's own error may name files or hold text, and has been logged by it. */
class HandlerFailed extends Error {
  override readonly name = 'HandlerFailed';

  constructor(readonly giveOutAtOnce: boolean) {
    super('the handler failed');
  }
}

interface Handling {
  readonly jobId: string;
  readonly controller: AbortController;
  /** Resolves when the handler has ended, however. */
  readonly ended: Promise<void>;
}

/** Runs a BullMQ worker; starts it as soon as the store answers. */
export class BullmqQueueConsumer implements QueueConsumer {
  private readonly stop = new AbortController();
  /** An entry may be in it twice: given out again after an outage while the first handler still runs. */
  private readonly handling = new Set<Handling>();
  private troubleLoggedAt = Number.NEGATIVE_INFINITY;
  private readonly started: Promise<EntryWorker | undefined>;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: BullmqQueueConsumerOptions) {
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
      await withDeadline(this.handlersEnd(), graceMs + ABORTED_HANDLER_DEADLINE_MS, 'A handler did not stop.');
      // A store that does not answer must not hold up a shutdown: the locks run out, and the work is given out again.
      await withDeadline(closed, SETTLE_DEADLINE_MS, 'The job queue does not answer.');
    } catch (error) {
      this.options.logger.error({ err: error, jobIds: this.jobIds() }, 'left work with the job queue');
      await withDeadline(worker.disconnect(), DISCONNECT_DEADLINE_MS, '').catch(() => undefined);
    } finally {
      clearTimeout(grace);
    }
  }

  private async handlersEnd(): Promise<void> {
    await Promise.all([...this.handling].map(({ ended }) => ended));
  }

  private jobIds(): string[] {
    return [...this.handling].map(({ jobId }) => jobId);
  }

  private abortHandlers(): void {
    for (const { controller } of this.handling) controller.abort();
  }

  /** @returns undefined when it was closed before the store answered */
  private async start(): Promise<EntryWorker | undefined> {
    for (let attempt = 1; !this.stop.signal.aborted; attempt += 1) {
      const worker = await this.tryToStart(attempt);
      if (worker) return worker;
      const pauseMs = backoffMs(attempt, RECONNECT_FIRST_MS, RECONNECT_MOST_MS);
      await sleep(pauseMs, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
    return undefined;
  }

  private async tryToStart(attempt: number): Promise<EntryWorker | undefined> {
    const { logger, store } = this.options;
    let worker: EntryWorker | undefined;
    try {
      await this.unlessClosed(this.options.ready(), 0);
      worker = this.worker();
      // Closed in the middle of connecting it would leave connections behind.
      await this.unlessClosed(worker.waitUntilReady(), CONNECT_GRACE_MS);
      void worker.run().catch((error: unknown) => logger.error({ err: store.forLog(error) }, 'the consumer failed'));
      return worker;
    } catch (error) {
      // One line for an outage, not one for each attempt.
      if (attempt === 1) logger.warn({ err: store.forLog(error) }, 'the job queue does not answer; still trying');
      // BullMQ keeps a failed start for good: only a new instance can succeed.
      if (worker) await withDeadline(worker.close(true), DISCONNECT_DEADLINE_MS, '').catch(() => undefined);
      return undefined;
    }
  }

  /** A store that never answers must not keep the consumer from closing for longer than the grace. */
  private async unlessClosed(work: Promise<unknown>, graceMs: number): Promise<void> {
    const { signal } = this.stop;
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    const closed = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        timer = setTimeout(() => reject(new Error('The consumer was closed.')), graceMs);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
    });
    try {
      await Promise.race([work, closed]);
    } finally {
      clearTimeout(timer);
      if (onAbort) signal.removeEventListener('abort', onAbort);
    }
  }

  private worker(): EntryWorker {
    const { name, store, concurrency, logger } = this.options;
    const worker = store.worker(name, (entry) => this.handle(entry), {
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
    worker.on('error', (error) => this.onTrouble(error));
    worker.on('stalled', (entryId) => logger.warn({ entryId }, 'took over work of a consumer that died'));
    return worker;
  }

  private async handle(entry: Job<EntryData>): Promise<void> {
    // Fetched while the consumer was told to close: somebody else does it sooner.
    if (this.stop.signal.aborted) throw new HandlerFailed(true);
    const { jobId } = entry.data;
    const controller = new AbortController();
    const work = this.options.handler({ jobId, priority: portPriority(entry.opts.priority ?? 10) }, controller.signal);
    const handling = { jobId, controller, ended: work.catch(() => undefined) };
    this.handling.add(handling);
    try {
      await work;
    } catch (error) {
      this.options.logger.debug({ err: error, jobId }, 'the handler gave work back');
      throw new HandlerFailed(this.stop.signal.aborted);
    } finally {
      this.handling.delete(handling);
    }
  }

  /** An outage is a line now and then, not one for each attempt of each connection. */
  private onTrouble(error: unknown): void {
    const { logger, store } = this.options;
    const level = performance.now() - this.troubleLoggedAt < TROUBLE_EVERY_MS ? 'debug' : 'warn';
    if (level === 'warn') this.troubleLoggedAt = performance.now();
    logger[level]({ err: store.forLog(error) }, 'the consumer has trouble with the job queue');
  }
}
