import { Redis } from 'ioredis';
import { PolyscribeError } from '#contracts';
import type { Logger } from '#telemetry';
import { withDeadline } from '#timing';
import { OutageLog } from './outage-log.js';
import { asRedisUnavailable } from './redis-error.js';
import { redisOptions } from './redis-options.js';

export interface RedisLinkOptions {
  readonly url: string;
  /** What it is for; in the log and in the server's list of clients. */
  readonly purpose: string;
  readonly logger: Logger;
}

const ASK_DEADLINE_MS = 2_000;
/** For how long a server that failed is not asked for what we can do without. */
const REST_MS = 1_000;
/** Callers that wait for the connection at once; those beyond get their answer without waiting. */
const MAX_WAITING = 1_000;
const UNAVAILABLE = 'Redis does not answer; try again later.';

/**
 * One connection for commands. It connects at the first call and for ever again; nothing is kept for later while it is
 * down, so memory stays flat and no command takes effect long after its caller has gone.
 */
export class RedisLink {
  private readonly client: Redis;
  private readonly outage: OutageLog;
  /** Whether it has been up or has failed once: from then on what is optional does not wait for it. */
  private tried = false;
  private restUntil = 0;
  /** Those who wait for the connection. */
  private readonly waiting = new Set<() => void>();
  private closed = false;

  constructor({ url, purpose, logger }: RedisLinkOptions) {
    this.outage = new OutageLog(purpose, logger);
    this.client = new Redis({
      ...redisOptions(url),
      connectionName: `polyscribe-${purpose.replaceAll(' ', '-')}`,
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: ASK_DEADLINE_MS,
    });
    this.client.on('error', (error) => {
      this.tried = true;
      this.outage.lost(error);
    });
    this.client.on('ready', () => {
      this.tried = true;
      this.restUntil = 0;
      this.outage.back();
      this.wakeAll();
    });
  }

  /**
   * The answer to a question that needs one; waits for the connection within the deadline.
   *
   * @throws PolyscribeError `dependency_unavailable`
   */
  async ask<T>(question: (client: Redis) => Promise<T>, deadlineMs = ASK_DEADLINE_MS): Promise<T> {
    try {
      return await withDeadline(this.askWhenReady(question, deadlineMs), deadlineMs, UNAVAILABLE);
    } catch (error) {
      throw asRedisUnavailable(error, UNAVAILABLE);
    }
  }

  /**
   * The answer to a question that we can do without: undefined when Redis is down or does not answer in time. After a
   * failure it is left in peace for a while, so that a sick server costs its users one deadline and not one for each call.
   */
  async tryToAsk<T>(question: (client: Redis) => Promise<T>, deadlineMs: number): Promise<T | undefined> {
    if (this.closed || Date.now() < this.restUntil || (this.tried && this.client.status !== 'ready')) return undefined;
    try {
      const answer = await this.ask(question, deadlineMs);
      this.outage.back();
      return answer;
    } catch (error) {
      this.restUntil = Date.now() + REST_MS;
      this.outage.lost(error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const connected = this.client.status === 'ready';
    // QUIT lets what is under way end; a server that is silent does not hold us up.
    if (connected) await withDeadline(this.client.quit(), ASK_DEADLINE_MS, UNAVAILABLE).catch(() => undefined);
    this.client.disconnect();
    this.wakeAll();
  }

  private async askWhenReady<T>(question: (client: Redis) => Promise<T>, deadlineMs: number): Promise<T> {
    if (!this.closed && this.client.status !== 'ready') await this.untilReady(deadlineMs);
    if (this.closed) throw new PolyscribeError('dependency_unavailable', UNAVAILABLE);
    try {
      return await question(this.client);
    } catch (error) {
      // No answer at all: the connection may be dead without having been closed, as a cut cable leaves it.
      if (error instanceof Error && error.message === 'Command timed out') this.reconnect();
      throw error;
    }
  }

  private reconnect(): void {
    if (!this.closed && this.client.status === 'ready') this.client.disconnect(true);
  }

  private async untilReady(deadlineMs: number): Promise<void> {
    if (this.waiting.size >= MAX_WAITING) throw new PolyscribeError('dependency_unavailable', UNAVAILABLE);
    if (this.client.status === 'wait') this.client.connect().catch(() => undefined);
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, deadlineMs);
      this.waiting.add(done);
    });
  }

  private wakeAll(): void {
    for (const wake of this.waiting) wake();
  }
}
