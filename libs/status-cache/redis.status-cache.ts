import { RedisLink } from '#redis';
import type { Logger } from '#telemetry';
import { type CachedStatus, StatusCache, type StatusBody } from './status-cache.port.js';

export interface RedisStatusCacheOptions {
  readonly url: string;
  readonly ttlMs: number;
  /** For how long the status of a job that has not completed counts as its status. */
  readonly freshMs?: number;
  /** All that asking first may cost whoever then has to ask the database; 200 ms unless told otherwise. */
  readonly budgetMs?: number;
  readonly logger: Logger;
}

const DEFAULT_BUDGET_MS = 200;
const DEFAULT_FRESH_MS = 5_000;

/**
 * Keeps the newer of two statuses. The revision stands first in the JSON, where it is read without parsing the rest.
 *
 * KEYS: the status. ARGV: revision, JSON, time to live in ms.
 */
const PUT = `
  local kept = redis.call('GET', KEYS[1])
  local revision = kept and tonumber(string.match(kept, '^{"revision":(%d+)'))
  if revision and revision > tonumber(ARGV[1]) then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  return 1`;

/** `job:{id}:status`: the status as JSON, with its revision. */
export class RedisStatusCache<Body extends StatusBody> extends StatusCache<Body> {
  override readonly keeps = true;
  private readonly link: RedisLink;
  private readonly freshMs: number;
  private readonly budgetMs: number;

  constructor(private readonly options: RedisStatusCacheOptions) {
    super();
    this.freshMs = options.freshMs ?? DEFAULT_FRESH_MS;
    this.budgetMs = options.budgetMs ?? DEFAULT_BUDGET_MS;
    this.link = new RedisLink({ url: options.url, purpose: 'job status', logger: options.logger });
  }

  override async put({ revision, body }: CachedStatus<Body>): Promise<void> {
    const json = JSON.stringify({ revision, ...body });
    const { ttlMs } = this.options;
    await this.link.tryToAsk((client) => client.eval(PUT, 1, keyOf(body.job_id), revision, json, ttlMs), this.budgetMs);
  }

  override async get(jobId: string): Promise<CachedStatus<Body> | undefined> {
    const key = keyOf(jobId);
    const answer = await this.link.tryToAsk(
      (client) => Promise.all([client.get(key), client.pttl(key)]),
      this.budgetMs,
    );
    const [json, remainingMs] = answer ?? [null, 0];
    if (json === null) return undefined;
    // Only `put` writes the key.
    const { revision, ...body } = JSON.parse(json) as StatusBody & { revision: number };
    // A process with another setting of the time to live wrote it where the age makes no sense.
    const ageMs = this.options.ttlMs - remainingMs;
    // Nothing happens to a completed job any more; one that failed or was cancelled may be retried.
    if (body.status !== 'completed' && (ageMs < 0 || ageMs > this.freshMs)) return undefined;
    return { revision, body: body as Body };
  }

  override async forget(jobId: string): Promise<void> {
    await this.link.ask((client) => client.del(keyOf(jobId)));
  }

  override close(): Promise<void> {
    return this.link.close();
  }
}

function keyOf(jobId: string): string {
  return `job:${jobId}:status`;
}
