import { once } from 'node:events';
import { Redis } from 'ioredis';
import { Client } from 'pg';

const CHANNEL = 'bare_messages';
const DEADLINE_MS = 10_000;

/** The least that news and questions can take: on Redis where there is one, else on PostgreSQL. */
export class RoundTrips {
  private constructor(
    /** Sends a message and resolves when the subscriber has it. */
    private readonly send: () => Promise<unknown>,
    private readonly ask: () => Promise<unknown>,
    readonly close: () => Promise<void>,
  ) {}

  /** Whoever opens it closes it. */
  static open(databaseUrl: string, redisUrl: string | undefined): Promise<RoundTrips> {
    return redisUrl === undefined ? RoundTrips.onPostgres(databaseUrl) : RoundTrips.onRedis(redisUrl);
  }

  /** How long a message takes to a subscriber, in milliseconds. */
  message(): Promise<number> {
    return timed(this.send);
  }

  /** How long a question takes that costs nothing to answer, in milliseconds. */
  answer(): Promise<number> {
    return timed(this.ask);
  }

  private static async onRedis(url: string): Promise<RoundTrips> {
    const publisher = new Redis(url);
    const subscriber = new Redis(url);
    await subscriber.subscribe(CHANNEL);
    return new RoundTrips(
      async () => {
        const came = once(subscriber, 'message', { signal: AbortSignal.timeout(DEADLINE_MS) });
        await publisher.publish(CHANNEL, 'message');
        await came;
      },
      () => publisher.ping(),
      () => {
        publisher.disconnect();
        subscriber.disconnect();
        return Promise.resolve();
      },
    );
  }

  private static async onPostgres(connectionString: string): Promise<RoundTrips> {
    const publisher = new Client({ connectionString, query_timeout: DEADLINE_MS });
    const subscriber = new Client({ connectionString, query_timeout: DEADLINE_MS });
    await Promise.all([publisher.connect(), subscriber.connect()]);
    await subscriber.query(`LISTEN ${CHANNEL}`);
    return new RoundTrips(
      async () => {
        const came = once(subscriber, 'notification', { signal: AbortSignal.timeout(DEADLINE_MS) });
        await publisher.query('SELECT pg_notify($1, $2)', [CHANNEL, 'message']);
        await came;
      },
      () => publisher.query('SELECT 1'),
      async () => {
        await Promise.all([publisher.end(), subscriber.end()]);
      },
    );
  }
}

async function timed(what: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await what();
  return performance.now() - started;
}
