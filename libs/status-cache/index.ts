import type { Logger } from '#telemetry';
import { NoStatusCache } from './no.status-cache.js';
import { RedisStatusCache } from './redis.status-cache.js';
import type { StatusBody, StatusCache } from './status-cache.port.js';

export * from './status-cache.port.js';

export interface StatusCacheOptions {
  /** undefined means that nothing is cached. */
  readonly redisUrl?: string | undefined;
  /** For how long a status is kept after the last change. */
  readonly jobTtlMs: number;
  readonly logger: Logger;
}

/** The status cache that the configuration asks for. Connects at the first call. */
export function createStatusCache<Body extends StatusBody>({
  redisUrl,
  jobTtlMs,
  logger,
}: StatusCacheOptions): StatusCache<Body> {
  return redisUrl === undefined
    ? new NoStatusCache<Body>()
    : new RedisStatusCache<Body>({ url: redisUrl, ttlMs: jobTtlMs, logger });
}
