import { createJobQueue } from '#queue';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { TestRedis } from '../../libs/redis/testing.js';
import { startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { Maintenance } from './maintenance.js';

const logger = createLogger('test', 'silent');

describe('Maintenance', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  beforeAll(async () => {
    [database, redis] = await Promise.all([startTestDatabase(), TestRedis.start()]);
  });
  afterAll(async () => {
    await redis.close();
    await database.stop();
  });

  describe.each([
    ['PostgreSQL', () => undefined],
    ['Redis', () => redis.url],
  ])('on %s', (name, redisUrl) => {
    /** Workers that share a queue. */
    function workers(count: number, sweepEveryMs: number, sweep: () => Promise<void>): Maintenance[] {
      return Array.from({ length: count }, () => {
        const queue = createJobQueue({
          ...{ databaseUrl: database.url, redisUrl: redisUrl(), logger },
          name: `maintenance-${name}-${sweepEveryMs}`,
        });
        const sweeper = { sweep: () => sweep().then(() => ({ expired: 0, orphans: 0 })) };
        return new Maintenance(queue, sweeper, { sweepEveryMs }, logger, () => undefined);
      });
    }

    it('sweeps again and again, one worker at a time', async () => {
      let [running, most, sweeps] = [0, 0, 0];
      const group = workers(3, 200, async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        sweeps += 1;
      });
      for (const worker of group) worker.start();
      try {
        await eventually('the fourth sweep', () => sweeps >= 4, 60_000);
        expect(most).toBe(1);
      } finally {
        await Promise.all(group.map((worker) => worker.stop()));
      }
    }, 90_000);

    it('tries again after a sweep that failed', async () => {
      let sweeps = 0;
      const [worker] = workers(1, 100_000, () => {
        sweeps += 1;
        return sweeps === 1 ? Promise.reject(new Error('The database is away.')) : Promise.resolve();
      });
      worker?.start();
      try {
        await eventually('the second sweep', () => sweeps >= 2, 60_000);
        expect(sweeps).toBe(2);
      } finally {
        await worker?.stop();
      }
    }, 90_000);
  });
});
