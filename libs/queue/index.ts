import type { JobQueue } from './job-queue.port.js';
import { PostgresJobQueue, type PostgresJobQueueOptions } from './postgres.job-queue.js';

export * from './job-queue.port.js';

/** The job queue that the configuration asks for. Connects at the first call. */
export function createJobQueue(options: PostgresJobQueueOptions): JobQueue {
  return new PostgresJobQueue(options);
}
