import { TcpLink } from '../../apps/gateway/testing/tcp-link.js';
import { OwnServer } from '../../libs/embedded-postgres/testing.js';
import { startS3Server, TEST_KEYS, type TestS3Server } from '../../libs/objects/testing/s3-server.js';
import { TestRedis } from '../../libs/redis/testing.js';

/** The servers that operators run, each of which can fail and come back under its address. */
export class BackingServices {
  private constructor(
    readonly postgres: OwnServer,
    readonly redis: TestRedis,
    /** The way to the object store. */
    readonly objectLink: TcpLink,
    readonly objectServer: TestS3Server,
  ) {}

  /** Whoever starts them closes them. */
  static async start(): Promise<BackingServices> {
    const stops: (() => Promise<void>)[] = [];
    try {
      const postgres = await OwnServer.start();
      stops.push(() => postgres.close());
      const redis = await TestRedis.start();
      stops.push(() => redis.close());
      const server = await startS3Server();
      stops.push(() => server.close());
      return new BackingServices(postgres, redis, await TcpLink.to(`http://${server.endpoint}`), server);
    } catch (error) {
      for (const stop of stops.toReversed()) await stop();
      throw error;
    }
  }

  /** What processes are told about them. */
  get env(): Record<string, string> {
    return {
      DATABASE_URL: this.postgres.url,
      REDIS_URL: this.redis.url,
      MINIO_ENDPOINT: new URL(this.objectLink.url).host,
      MINIO_ACCESS_KEY: TEST_KEYS.accessKey,
      MINIO_SECRET_KEY: TEST_KEYS.secretKey,
    };
  }

  async close(): Promise<void> {
    await this.objectLink.close();
    await this.objectServer.close();
    await this.redis.close();
    await this.postgres.close();
  }
}
