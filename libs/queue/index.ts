import type { Logger } from '#telemetry';
import { BullmqJobQueue } from './bullmq.job-queue.js';
import type { JobQueue } from './job-queue.port.js';
import { PostgresQueueStore } from './postgres.queue-store.js';
import { RedisQueueStore } from './redis.queue-store.js';

export * from './job-queue.port.js';

export interface JobQueueOptions {
  readonly databaseUrl: string;
  /** Where the queue is kept instead of in the database. */
  readonly redisUrl?: string | undefined;
  readonly logger: Logger;
  /** One by default; tests keep apart what they put in. */
  readonly name?: string;
}

/** The job queue that the configuration asks for. Connects at the first call. */
export function createJobQueue({ databaseUrl, redisUrl, logger, ...rest }: JobQueueOptions): JobQueue {
  const store = redisUrl === undefined ? new PostgresQueueStore(databaseUrl) : new RedisQueueStore(redisUrl, logger);
  return new BullmqJobQueue({ store, logger, ...rest });
}
