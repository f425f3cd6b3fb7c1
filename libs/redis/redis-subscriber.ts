import { Redis } from 'ioredis';
import { withDeadline } from '#timing';
import { OutageLog } from './outage-log.js';
import type { RedisLinkOptions } from './redis-link.js';
import { redisOptions } from './redis-options.js';

const PING_DEADLINE_MS = 2_000;

export interface SubscriberEvents {
  message(channel: string, payload: string): void;
  /** The server sends the channel's messages from now on; what came before may have been missed. */
  joined(channel: string): void;
}

/** The one connection of a process that listens; whoever wants a channel shares it. */
export class RedisSubscriber {
  private readonly client: Redis;
  private readonly outage: OutageLog;
  private readonly channels = new Set<string>();
  private closed = false;

  constructor(
    { url, purpose, logger }: RedisLinkOptions,
    private readonly events: SubscriberEvents,
  ) {
    this.outage = new OutageLog(purpose, logger);
    this.client = new Redis({
      ...redisOptions(url),
      connectionName: `polyscribe-${purpose.replaceAll(' ', '-')}`,
      lazyConnect: true,
      enableOfflineQueue: false,
      // Subscribing again is ours to do: who listens must hear that there was a gap.
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    });
    this.client.on('error', (error) => this.outage.lost(error));
    this.client.on('message', (channel, payload) => this.events.message(channel, payload));
    this.client.on('ready', () => {
      this.outage.back();
      for (const channel of this.channels) this.subscribe(channel);
    });
  }

  get connected(): boolean {
    return this.client.status === 'ready';
  }

  /** Safe to repeat. Connects at the first channel. */
  join(channel: string): void {
    if (this.closed || this.channels.has(channel)) return;
    this.channels.add(channel);
    if (this.client.status === 'wait') this.client.connect().catch(() => undefined);
    else if (this.connected) this.subscribe(channel);
  }

  leave(channel: string): void {
    if (!this.channels.delete(channel) || !this.connected) return;
    this.client.unsubscribe(channel).catch(() => undefined);
  }

  /** Finds a connection that is dead without having been closed, as a cut cable leaves it, and opens another. */
  async check(): Promise<void> {
    if (!this.connected) return;
    try {
      await withDeadline(this.client.ping(), PING_DEADLINE_MS, 'Redis does not answer a ping.');
    } catch (error) {
      if (this.closed) return;
      this.outage.lost(error);
      this.client.disconnect(true);
    }
  }

  close(): void {
    this.closed = true;
    this.channels.clear();
    this.client.disconnect();
  }

  private subscribe(channel: string): void {
    this.client.subscribe(channel).then(
      () => {
        if (this.channels.has(channel)) this.events.joined(channel);
      },
      // With the connection goes the request; it is made again with the next connection.
      (error: unknown) => this.outage.lost(error),
    );
  }
}
