import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { asRedisUnavailable, plainRedisError, RedisLink, redisOptions } from '#redis';
import type { Logger } from '#telemetry';
import {
  CALL_DEADLINE_MS,
  type Entries,
  type EntryData,
  type EntryProcessor,
  type EntryWorker,
  type EntryWorkerOptions,
  type QueueStore,
} from './queue-store.js';

/** Attempts to connect after which calls that wait for the connection are given up. */
const ATTEMPTS_FOR_A_CALL = 1;
/** Longer than a consumer without work waits for some (at most 10 s): a connection that is silent for so long is dead. */
const SILENCE_LIMIT_MS = 20_000;
const KEPT_BULL_EVENTS = 500;

/** BullMQ on Redis. What is lost with Redis the reconciler puts in again from the rows. */
export class RedisQueueStore implements QueueStore {
  readonly openDeadlineMs = CALL_DEADLINE_MS;
  readonly asUnavailable = asRedisUnavailable;
  readonly forLog = plainRedisError;
  private policyChecked = false;

  constructor(
    private readonly url: string,
    private readonly logger: Logger,
  ) {}

  /** Warns once of a server that may throw entries away. */
  async prepare(): Promise<void> {
    if (this.policyChecked) return;
    const link = new RedisLink({ url: this.url, purpose: 'job queue', logger: this.logger });
    try {
      const memory = await link.ask((client) => client.info('memory'));
      const [, policy = 'noeviction'] = /^maxmemory_policy:(\S+)/m.exec(memory) ?? [];
      if (policy !== 'noeviction') {
        this.logger.warn({ policy }, 'Redis may evict entries of the job queue: set maxmemory-policy to noeviction');
      }
      this.policyChecked = true;
    } finally {
      await link.close();
    }
  }

  queue(name: string): Entries {
    return new Queue<EntryData>(name, {
      connection: {
        ...redisOptions(this.url),
        commandTimeout: CALL_DEADLINE_MS,
        maxRetriesPerRequest: ATTEMPTS_FOR_A_CALL,
      },
      streams: { events: { maxLen: KEPT_BULL_EVENTS } },
    });
  }

  worker(name: string, processor: EntryProcessor, options: EntryWorkerOptions): EntryWorker {
    return new Worker<EntryData>(name, processor, {
      ...options,
      connection: {
        ...redisOptions(this.url),
        // What a handler came to is kept until it can be told.
        maxRetriesPerRequest: null,
        socketTimeout: SILENCE_LIMIT_MS,
      },
    });
  }

  /** The store's own numbers begin again after a flush, while a consumer may still hold an entry of that number. */
  entryId(): string {
    return randomUUID();
  }
}
