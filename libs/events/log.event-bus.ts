import type { JobEvent, JobEventBody } from '#contracts';
import type { Logger } from '#telemetry';
import { EventBus, type EventDraft, type PublishOptions } from './event-bus.port.js';
import { EventLog, numbered } from './event-log.js';
import type { EventNews } from './event-news.js';
import type { Feed, Follower } from './feed.js';
import { JobTopic } from './job-topic.js';
import { LogFeed } from './log-feed.js';
import { PostgresEventNews } from './postgres.event-news.js';
import { RedisEventNews, type RedisEventNewsOptions } from './redis.event-news.js';

export interface LogEventBusOptions {
  readonly databaseUrl: string;
  /** Carries the news instead of the database. */
  readonly redis?: Pick<RedisEventNewsOptions, 'url' | 'ttlMs'> | undefined;
  readonly logger: Logger;
}

/**
 * Events in a PostgreSQL table, announced by what carries the news. The table is the truth: a subscriber that misses an
 * announcement reads the event a few seconds later, and nothing is ever lost or doubled.
 */
export class LogEventBus extends EventBus {
  private readonly log: EventLog;
  private readonly news: EventNews;
  private readonly topics = new Map<string, JobTopic>();
  private closed = false;

  constructor({ databaseUrl, redis, logger }: LogEventBusOptions) {
    super();
    const onIdleError = (error: Error) => logger.debug({ err: error }, 'lost an idle connection');
    this.log = new EventLog(databaseUrl, redis === undefined, onIdleError);
    const audience = {
      jobIds: () => [...this.topics.keys()],
      heard: (jobId: string, seq: number) => this.topics.get(jobId)?.heard(seq),
      gap: () => {
        for (const topic of this.topics.values()) topic.heard(Number.POSITIVE_INFINITY);
      },
    };
    this.news = redis
      ? new RedisEventNews({ ...redis, logger }, this.log, audience)
      : new PostgresEventNews(this.log, audience, logger);
  }

  override async publish(
    jobId: string,
    events: readonly JobEventBody[],
    options: PublishOptions = {},
  ): Promise<readonly JobEvent[]> {
    const published = await this.log.append(jobId, events, options.key);
    await this.news.announce(jobId, published);
    return published;
  }

  override async draft(
    jobId: string,
    events: readonly JobEventBody[],
    options: PublishOptions = {},
  ): Promise<EventDraft> {
    await this.log.opened();
    const { sql, addition } = this.log.appending(jobId, events, options.key);
    return { sql, addition, tell: (lastSeq) => this.news.announce(jobId, numbered(events, lastSeq)) };
  }

  override follow(jobId: string, afterSeq: number, follower: Follower<JobEvent>): Feed {
    const feed = new LogFeed(jobId, afterSeq, follower, {
      enter: (entering) => this.enter(entering),
      leave: (leaving) => this.leave(leaving),
    });
    feed.start();
    return feed;
  }

  override history(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]> {
    return this.log.read(jobId, afterSeq, limit);
  }

  override async forget(jobId: string): Promise<void> {
    await this.log.forget(jobId);
    await this.news.forgetCopy(jobId);
  }

  override expire(olderThan: Date): Promise<number> {
    return this.log.expire(olderThan);
  }

  override ping(): Promise<void> {
    return this.log.ping();
  }

  override async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const topic of this.topics.values()) topic.close();
    await this.news.close();
    await this.log.close();
  }

  /** A page for subscribers. It may end before the log does: who hears of more reads again. */
  async read(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]> {
    return (await this.news.readCopy(jobId, afterSeq, limit)) ?? (await this.log.read(jobId, afterSeq, limit));
  }

  private enter(feed: LogFeed): JobTopic {
    const topic = this.topics.get(feed.jobId) ?? new JobTopic(feed.jobId, this);
    this.topics.set(feed.jobId, topic);
    topic.join(feed);
    if (this.closed) feed.close();
    else this.news.follow(feed.jobId);
    return topic;
  }

  private leave(feed: LogFeed): void {
    const topic = this.topics.get(feed.jobId);
    topic?.leave(feed);
    if (!topic?.empty) return;
    this.topics.delete(feed.jobId);
    this.news.unfollow(feed.jobId);
  }
}
