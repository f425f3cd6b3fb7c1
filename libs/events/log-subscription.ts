import type { JobEvent } from '#contracts';
import { backoffMs } from '#timing';
import type { EventSubscription } from './event-bus.port.js';
import { PAGE_EVENTS } from './event-log.js';
import type { JobTopic } from './job-topic.js';

/** For how long a subscription waits for a log that does not answer, before it gives up. */
const OUTAGE_LIMIT_MS = 60_000;
const RETRY_FIRST_MS = 200;
const RETRY_MOST_MS = 5_000;

/** Joins a topic for as long as somebody reads. */
export interface TopicDoor {
  enter(subscription: LogSubscription): JobTopic;
  leave(subscription: LogSubscription): void;
}

/** Reads a job's log page by page and, at its end, waits until it hears that there is more. */
export class LogSubscription implements EventSubscription {
  private closed = false;
  /** The highest sequence heard of since the last read began; 0 when nothing was. */
  private heardSeq = 0;
  private wakeUp: (() => void) | undefined;

  constructor(
    readonly jobId: string,
    private readonly afterSeq: number,
    private readonly door: TopicDoor,
  ) {}

  close(): void {
    this.closed = true;
    this.wakeUp?.();
  }

  heard(seq: number): void {
    this.heardSeq = Math.max(this.heardSeq, seq);
    this.wakeUp?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JobEvent, void, undefined> {
    // Joined before the first read: what is published in between is then heard of.
    const topic = this.door.enter(this);
    try {
      let lastSeq = this.afterSeq;
      while (!this.closed) {
        this.heardSeq = 0;
        const page = await this.readPage(topic, lastSeq);
        for (const event of page) {
          if (this.isClosed()) return;
          lastSeq = event.seq;
          yield event;
        }
        if (page.length < PAGE_EVENTS) await this.untilHeardAbove(lastSeq);
      }
    } finally {
      this.door.leave(this);
    }
  }

  private async readPage(topic: JobTopic, afterSeq: number): Promise<readonly JobEvent[]> {
    const since = Date.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await topic.read(afterSeq);
      } catch (error) {
        if (this.isClosed()) return [];
        if (Date.now() - since > OUTAGE_LIMIT_MS) throw error;
        await this.pause(backoffMs(attempt, RETRY_FIRST_MS, RETRY_MOST_MS));
      }
    }
  }

  private async untilHeardAbove(seq: number): Promise<void> {
    while (!this.isClosed() && this.heardSeq <= seq) {
      await new Promise<void>((resolve) => (this.wakeUp = resolve));
      this.wakeUp = undefined;
    }
  }

  private async pause(durationMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      this.wakeUp = () => {
        if (!this.isClosed()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeUp = undefined;
  }

  /** `closed` may change during every await; reading it through a call keeps the compiler from thinking otherwise. */
  private isClosed(): boolean {
    return this.closed;
  }
}
