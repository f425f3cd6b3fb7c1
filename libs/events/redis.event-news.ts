import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEvent } from '#contracts';
import { RedisLink, RedisSubscriber } from '#redis';
import type { Logger } from '#telemetry';
import type { EventLog } from './event-log.js';
import type { Audience, EventNews } from './event-news.js';

export interface RedisEventNewsOptions {
  readonly url: string;
  /** For how long the copy of a log is kept after its last event. */
  readonly ttlMs: number;
  readonly logger: Logger;
}

/** What we can do without is waited for so long. */
const OPTIONAL_DEADLINE_MS = 250;
/** Events of one job that the copy holds at least; older ones are read from the log. */
const KEPT_EVENTS = 10_000;
/** How often the counters are read while nothing can be heard, and every how many times of that while it can. */
const LOOK_EVERY_MS = 1_000;
const LOOKS_SKIPPED = 4;

const NEWS_PREFIX = 'transcription:events:';
const STATUS_PREFIX = 'transcription:status:';

/**
 * Appends events to the copy and publishes.
 *
 * The copy has no holes: events that do not follow on its last are the first of a new copy, and events that come late (two
 * publishers may overtake each other after the log gave them their numbers) are left out. Readers turn to the log for both.
 *
 * KEYS: the stream. ARGV: time to live in ms, events kept, channel of news, channel of statuses, first sequence, number of
 * events, their types and data in turn, then the statuses among them.
 */
const ANNOUNCE = `
  local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  local last = top and tonumber(string.match(top[1], '^%d+'))
  local first, count = tonumber(ARGV[5]), tonumber(ARGV[6])
  if last and first > last + 1 then
    redis.call('DEL', KEYS[1])
    last = nil
  end
  if not last or first == last + 1 then
    for n = 0, count - 1 do
      redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], string.format('%.0f-0', first + n),
        'type', ARGV[7 + 2 * n], 'data', ARGV[8 + 2 * n])
    end
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
  end
  redis.call('PUBLISH', ARGV[3], string.format('%.0f', first + count - 1))
  for n = 7 + 2 * count, #ARGV do redis.call('PUBLISH', ARGV[4], ARGV[n]) end`;

/**
 * News over Redis pub/sub, on one connection of the process for all jobs, with a stream for each job as a copy of its log.
 * Redis may lose all of it at any time: the log in PostgreSQL has everything.
 */
export class RedisEventNews implements EventNews {
  private readonly stop = new AbortController();
  private readonly link: RedisLink;
  private readonly subscriber: RedisSubscriber;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly options: RedisEventNewsOptions,
    private readonly log: EventLog,
    private readonly audience: Audience,
  ) {
    const { url, logger } = options;
    this.link = new RedisLink({ url, purpose: 'job events', logger });
    this.subscriber = new RedisSubscriber(
      { url, purpose: 'job news', logger },
      {
        message: (channel, payload) => this.audience.heard(channel.slice(NEWS_PREFIX.length), Number(payload)),
        // What was published before this moment was not sent to us.
        joined: (channel) => this.audience.heard(channel.slice(NEWS_PREFIX.length), Number.POSITIVE_INFINITY),
      },
    );
  }

  follow(jobId: string): void {
    this.subscriber.join(NEWS_PREFIX + jobId);
    this.looking ??= this.look();
  }

  unfollow(jobId: string): void {
    this.subscriber.leave(NEWS_PREFIX + jobId);
  }

  async announce(jobId: string, events: readonly JobEvent[]): Promise<void> {
    const [first] = events;
    if (!first) return;
    const bodies = events.flatMap(({ type, data }) => [type, JSON.stringify(data)]);
    const statuses = events.filter(({ type }) => type === 'status').map(({ data }) => JSON.stringify(data));
    const channels = [NEWS_PREFIX + jobId, STATUS_PREFIX + jobId];
    const { ttlMs } = this.options;
    const values = [ttlMs, KEPT_EVENTS, ...channels, first.seq, events.length, ...bodies, ...statuses];
    await this.link.tryToAsk((client) => client.eval(ANNOUNCE, 1, streamOf(jobId), ...values), OPTIONAL_DEADLINE_MS);
  }

  async readCopy(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[] | undefined> {
    const from = `${String(afterSeq + 1)}-0`;
    const entries = await this.link.tryToAsk(
      (client) => client.xrange(streamOf(jobId), from, '+', 'COUNT', limit),
      OPTIONAL_DEADLINE_MS,
    );
    const events = entries?.map(toEvent) ?? [];
    return events[0]?.seq === afterSeq + 1 ? events : undefined;
  }

  async forgetCopy(jobId: string): Promise<void> {
    await this.link.ask((client) => client.del(streamOf(jobId)));
  }

  async close(): Promise<void> {
    this.stop.abort();
    this.subscriber.close();
    await Promise.all([this.link.close(), this.looking]);
  }

  /** Reads the counters until it is closed: often while Redis is away, now and then while it is there. */
  private async look(): Promise<void> {
    const { signal } = this.stop;
    for (let round = 1; ; round += 1) {
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (this.subscriber.connected && round % LOOKS_SKIPPED !== 0) continue;
      try {
        for (const { jobId, seq } of await this.log.lastSeqs(this.audience.jobIds())) this.audience.heard(jobId, seq);
      } catch (error) {
        this.options.logger.debug({ err: error }, 'could not look for news in the event log');
      }
      await this.subscriber.check();
    }
  }
}

function streamOf(jobId: string): string {
  return `job:${jobId}:events`;
}

function toEvent([id, [, type, , data = 'null']]: [string, string[]]): JobEvent {
  // Only the script above writes the stream, from events of this type.
  return { type, data: JSON.parse(data) as unknown, seq: Number.parseInt(id, 10) } as JobEvent;
}
