import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Logger } from '#telemetry';
import { backoffMs, withDeadline } from '#timing';
import { CHANNEL, type EventLog } from './event-log.js';
import type { Audience, EventNews } from './event-news.js';

/** NOTIFY is only a hint: how often the counters are read all the same. Shows as well that the connection lives. */
const POLL_INTERVAL_MS = 4_000;
const RECONNECT_FIRST_MS = 100;
const RECONNECT_MOST_MS = 5_000;
const GOODBYE_DEADLINE_MS = 1_000;

/**
 * News by NOTIFY, which the log's own statement sends as it appends. One connection of the process listens, for all jobs;
 * it is opened again when it is lost.
 */
export class PostgresEventNews implements EventNews {
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly audience: Audience,
    private readonly logger: Logger,
  ) {}

  follow(): void {
    this.running ??= this.run();
  }

  /** All jobs come over one channel. */
  unfollow(): void {
    return undefined;
  }

  announce(): Promise<void> {
    return Promise.resolve();
  }

  readCopy(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  forgetCopy(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stop.signal.aborted) {
      try {
        await this.log.ready();
        await this.listen(() => (failures = 0));
      } catch (error) {
        failures += 1;
        // Only the first: an outage is one event for the operator, not one a second.
        if (failures === 1) this.logger.warn({ err: error }, 'lost the connection that listens for job events');
      }
      await this.pause(backoffMs(Math.max(failures, 1), RECONNECT_FIRST_MS, RECONNECT_MOST_MS));
    }
  }

  /** Listens until the bus is closed or the connection fails. */
  private async listen(onListening: () => void): Promise<void> {
    const client = new pg.Client(this.log.connectionOptions());
    const lost = new AbortController();
    client.on('error', (error) => lost.abort(error));
    client.on('end', () => lost.abort(new Error('The server closed the connection.')));
    client.on('notification', ({ payload }) => this.onNotification(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      onListening();
      // What was published before this moment was not announced to us.
      this.audience.gap();
      for (;;) {
        await this.pause(POLL_INTERVAL_MS, lost.signal);
        if (this.stop.signal.aborted) return;
        lost.signal.throwIfAborted();
        await this.poll(client);
      }
    } finally {
      await withDeadline(client.end(), GOODBYE_DEADLINE_MS, '').catch(() => undefined);
    }
  }

  private async poll(client: pg.Client): Promise<void> {
    const jobIds = this.audience.jobIds();
    for (const { jobId, seq } of await this.log.lastSeqs(jobIds, client)) this.audience.heard(jobId, seq);
  }

  private onNotification(payload: string): void {
    const colon = payload.indexOf(':');
    const seq = Number(payload.slice(0, colon));
    if (colon > 0 && Number.isSafeInteger(seq)) this.audience.heard(payload.slice(colon + 1), seq);
  }

  /** Ends early when the listener is closed or the other signal aborts. */
  private async pause(durationMs: number, also?: AbortSignal): Promise<void> {
    const signal = also ? AbortSignal.any([this.stop.signal, also]) : this.stop.signal;
    await sleep(durationMs, undefined, { signal }).catch(() => undefined);
  }
}
