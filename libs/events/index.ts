import type { Logger } from '#telemetry';
import type { EventBus } from './event-bus.port.js';
import { LogEventBus } from './log.event-bus.js';

export * from './event-bus.port.js';
export type { Feed, Follower } from './feed.js';
export { PulledFeed } from './pulled-feed.js';

export interface EventBusOptions {
  readonly databaseUrl: string;
  /** Carries the news instead of the database, which keeps the log. */
  readonly redisUrl?: string | undefined;
  /** For how long Redis keeps its copy of a job's events; an hour by default. */
  readonly jobTtlMs?: number;
  readonly logger: Logger;
}

const DEFAULT_TTL_MS = 3_600_000;

/** The event bus that the configuration asks for. Connects at the first call. */
export function createEventBus({
  databaseUrl,
  redisUrl,
  jobTtlMs = DEFAULT_TTL_MS,
  logger,
}: EventBusOptions): EventBus {
  const redis = redisUrl === undefined ? undefined : { url: redisUrl, ttlMs: jobTtlMs };
  return new LogEventBus({ databaseUrl, redis, logger });
}
