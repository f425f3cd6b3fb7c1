import type { JobEvent, JobEventBody } from '#contracts';
import type { Logger } from '#telemetry';
import { EventBus, type EventSubscription, type PublishOptions } from './event-bus.port.js';
import { EventListener } from './event-listener.js';
import { EventLog } from './event-log.js';
import { JobTopic } from './job-topic.js';
import { LogSubscription } from './log-subscription.js';

export interface PostgresEventBusOptions {
  readonly databaseUrl: string;
  readonly logger: Logger;
}

/**
 * Events in a PostgreSQL table, announced by NOTIFY. The table is the truth: a subscriber that misses an announcement
 * reads the event a few seconds later, and nothing is ever lost or doubled.
 */
export class PostgresEventBus extends EventBus {
  private readonly log: EventLog;
  private readonly listener: EventListener;
  private readonly topics = new Map<string, JobTopic>();
  private closed = false;

  constructor({ databaseUrl, logger }: PostgresEventBusOptions) {
    super();
    this.log = new EventLog(databaseUrl, (error) => logger.debug({ err: error }, 'lost an idle connection'));
    this.listener = new EventListener(
      this.log,
      {
        jobIds: () => [...this.topics.keys()],
        heard: (jobId, seq) => this.topics.get(jobId)?.heard(seq),
        gap: () => {
          for (const topic of this.topics.values()) topic.heard(Number.POSITIVE_INFINITY);
        },
      },
      logger,
    );
  }

  override publish(
    jobId: string,
    events: readonly JobEventBody[],
    options: PublishOptions = {},
  ): Promise<readonly JobEvent[]> {
    return this.log.append(jobId, events, options.key);
  }

  override subscribe(jobId: string, afterSeq: number): EventSubscription {
    return new LogSubscription(jobId, afterSeq, {
      enter: (subscription) => this.enter(subscription),
      leave: (subscription) => this.leave(subscription),
    });
  }

  override history(jobId: string, afterSeq: number, limit: number): Promise<readonly JobEvent[]> {
    return this.log.read(jobId, afterSeq, limit);
  }

  override forget(jobId: string): Promise<void> {
    return this.log.forget(jobId);
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
    await this.listener.close();
    await this.log.close();
  }

  private enter(subscription: LogSubscription): JobTopic {
    const topic = this.topics.get(subscription.jobId) ?? new JobTopic(subscription.jobId, this.log);
    this.topics.set(subscription.jobId, topic);
    topic.join(subscription);
    if (this.closed) subscription.close();
    else this.listener.start();
    return topic;
  }

  private leave(subscription: LogSubscription): void {
    const topic = this.topics.get(subscription.jobId);
    topic?.leave(subscription);
    if (topic?.empty) this.topics.delete(subscription.jobId);
  }
}
