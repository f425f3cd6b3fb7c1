import { randomUUID } from 'node:crypto';
import { Queue, type QueueOptions, type RedisQueueBackend, Worker } from 'bullmq';
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
/** Longer than a consumer without work waits for some, which is a command as well (at most 10 s). */
const WORKER_COMMAND_DEADLINE_MS = 15_000;
/** Longer than the longest pause before another attempt to connect. */
const SETTLE_DEADLINE_MS = 4_000;
const KEPT_BULL_EVENTS = 500;
/** How the client says that a command got no answer. */
const TIMED_OUT = 'Command timed out';

/** Shared by a worker and its connections, which do not connect again once it closes. */
interface Line {
  closing: boolean;
}

/**
 * BullMQ's worker, which would wait for ever when it is closed while its connections are down: disconnecting one that
 * waits to connect again stops its clock and tells nobody. So each first gets to its end, or is back.
 */
class RedisWorker extends Worker<EntryData> {
  constructor(
    private readonly line: Line,
    ...rest: ConstructorParameters<typeof Worker<EntryData>>
  ) {
    super(...rest);
  }

  override async close(force = false): Promise<void> {
    this.line.closing = true;
    const backend = this.getBackend();
    if (!force) {
      for (const client of [await backend.client, await backend.blockingClient]) if (client) await untilSettled(client);
    }
    await super.close(force);
  }
}

/** BullMQ's queue, which would leave calls unanswered for as long when it is closed while its connection is down. */
class RedisQueue extends Queue<EntryData, unknown, string, EntryData, unknown, string> {
  constructor(
    private readonly line: Line,
    name: string,
    options: QueueOptions,
  ) {
    super(name, options);
  }

  override async close(): Promise<void> {
    this.line.closing = true;
    const backend = this.getBackend();
    // One that was never up has no client yet, and is cut off by BullMQ.
    const client = await Promise.race([backend.client, Promise.resolve(undefined)]).catch(() => undefined);
    if (client) await untilSettled(client);
    await super.close();
  }
}

type Client = Awaited<RedisQueueBackend['client']>;

async function untilSettled(client: Client): Promise<void> {
  if (client.status === 'ready' || client.status === 'end') return;
  await new Promise<void>((resolve) => {
    const settled = () => {
      clearTimeout(timer);
      client.off('ready', settled);
      client.off('end', settled);
      resolve();
    };
    const timer = setTimeout(settled, SETTLE_DEADLINE_MS);
    client.on('ready', settled);
    client.on('end', settled);
  });
}

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
    const line: Line = { closing: false };
    const connection = redisOptions(this.url);
    return new RedisQueue(line, name, {
      connection: {
        ...connection,
        retryStrategy: (attempt) => (line.closing ? null : connection.retryStrategy(attempt)),
        // After our own deadline, which sees to the connection.
        commandTimeout: 2 * CALL_DEADLINE_MS,
        maxRetriesPerRequest: ATTEMPTS_FOR_A_CALL,
      },
      streams: { events: { maxLen: KEPT_BULL_EVENTS } },
    });
  }

  worker(name: string, processor: EntryProcessor, options: EntryWorkerOptions): EntryWorker {
    const line: Line = { closing: false };
    const connection = redisOptions(this.url);
    const worker = new RedisWorker(line, name, processor, {
      ...options,
      connection: {
        ...connection,
        retryStrategy: (attempt) => (line.closing ? null : connection.retryStrategy(attempt)),
        // Bounds what is kept for a server that is away; what a handler came to reaches one that is soon back.
        commandTimeout: WORKER_COMMAND_DEADLINE_MS,
        maxRetriesPerRequest: null,
      },
    });
    worker.on('error', (error) => {
      if (error.message === TIMED_OUT) reconnect(worker);
    });
    return worker;
  }

  recover(entries: Entries): void {
    if (entries instanceof Queue) reconnect(entries);
  }

  /** The store's own numbers begin again after a flush, while a consumer may still hold an entry of that number. */
  entryId(): string {
    return randomUUID();
  }
}

/** Replaces a connection that is dead without having been closed, as a cut cable or a lost host leaves it. */
function reconnect(user: Pick<Queue, 'getBackend'>): void {
  user.getBackend().client.then(
    (client) => {
      if (client.status === 'ready') client.disconnect(true);
    },
    () => undefined,
  );
}
