import type { Logger } from '#telemetry';
import { NoTranscriptCache } from './no.transcript-cache.js';
import { RedisTranscriptCache } from './redis.transcript-cache.js';
import type { TranscriptCache } from './transcript-cache.port.js';

export * from './transcript-cache.port.js';

export interface TranscriptCacheOptions {
  /** undefined means that nothing is cached. */
  readonly redisUrl?: string | undefined;
  /** For how long a transcript is kept after it was read from the database. */
  readonly jobTtlMs: number;
  readonly logger: Logger;
}

/** The transcript cache that the configuration asks for. Connects at the first call. */
export function createTranscriptCache({ redisUrl, jobTtlMs, logger }: TranscriptCacheOptions): TranscriptCache {
  return redisUrl === undefined
    ? new NoTranscriptCache()
    : new RedisTranscriptCache({ url: redisUrl, ttlMs: jobTtlMs, logger });
}
