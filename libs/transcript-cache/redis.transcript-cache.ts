import type { Transcript } from '#contracts';
import { RedisLink } from '#redis';
import type { Logger } from '#telemetry';
import { type CachedTranscript, TranscriptCache } from './transcript-cache.port.js';

export interface RedisTranscriptCacheOptions {
  readonly url: string;
  readonly ttlMs: number;
  /** Characters of JSON; what is longer is not kept. Two million, about ten hours of speech, unless told otherwise. */
  readonly maxLength?: number;
  /** All that asking first may cost whoever then has to ask the database; 200 ms unless told otherwise. */
  readonly budgetMs?: number;
  readonly logger: Logger;
}

const DEFAULT_MAX_LENGTH = 2_000_000;
const DEFAULT_BUDGET_MS = 200;

/** `job:{id}:transcript`: the revision, a colon, and the transcript as JSON. */
export class RedisTranscriptCache extends TranscriptCache {
  private readonly link: RedisLink;
  private readonly maxLength: number;
  private readonly budgetMs: number;

  constructor(private readonly options: RedisTranscriptCacheOptions) {
    super();
    this.maxLength = options.maxLength ?? DEFAULT_MAX_LENGTH;
    this.budgetMs = options.budgetMs ?? DEFAULT_BUDGET_MS;
    this.link = new RedisLink({ url: options.url, purpose: 'transcripts', logger: options.logger });
  }

  override async put({ revision, transcript }: CachedTranscript): Promise<void> {
    const json = JSON.stringify(transcript);
    if (json.length > this.maxLength) return;
    const key = keyOf(transcript.jobId);
    await this.link.tryToAsk(
      (client) => client.set(key, `${revision}:${json}`, 'PX', this.options.ttlMs),
      this.budgetMs,
    );
  }

  override async get(jobId: string, revision: number): Promise<Transcript | undefined> {
    const kept = await this.link.tryToAsk((client) => client.get(keyOf(jobId)), this.budgetMs);
    const mark = `${revision}:`;
    // Only `put` writes the key.
    return kept?.startsWith(mark) === true ? (JSON.parse(kept.slice(mark.length)) as Transcript) : undefined;
  }

  override async forget(jobId: string): Promise<void> {
    await this.link.ask((client) => client.del(keyOf(jobId)));
  }

  override close(): Promise<void> {
    return this.link.close();
  }
}

function keyOf(jobId: string): string {
  return `job:${jobId}:transcript`;
}
