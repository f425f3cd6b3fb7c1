import { randomUUID } from 'node:crypto';
import { createLogger } from '#telemetry';
import { type ContractFixture, eventually } from '#testing';
import { TestRedis } from '../redis/testing.js';
import { createStatusCache, type StatusCache } from './index.js';
import { RedisStatusCache } from './redis.status-cache.js';
import { statusCacheContract, type TestBody, testStatus } from './status-cache.contract.js';

const TTL_MS = 60_000;
const logger = createLogger('test', 'silent');
let server: TestRedis;
let opened: StatusCache<TestBody>[] = [];

beforeAll(async () => {
  server = await TestRedis.start({ password: 'open sesame' });
});

afterAll(() => server.close());

function open(): StatusCache<TestBody> {
  // A put that a busy machine holds up is dropped in use; what is told here is what becomes of those that arrive.
  const cache = new RedisStatusCache<TestBody>({ url: server.url, ttlMs: TTL_MS, budgetMs: 5_000, logger });
  opened.push(cache);
  return cache;
}

async function dispose(): Promise<void> {
  for (const cache of opened) await cache.close();
  opened = [];
}

function fixture(): Promise<ContractFixture<StatusCache<TestBody>>> {
  return Promise.resolve({ open, dispose });
}

statusCacheContract('RedisStatusCache', fixture);

describe('RedisStatusCache', () => {
  afterEach(dispose);

  it('gives what another process put in, newer over older', async () => {
    const [writer, reader] = [open(), open()];
    const jobId = randomUUID();
    for (const status of [testStatus(jobId, 1, 'queued'), testStatus(jobId, 2, 'processing'), testStatus(jobId, 3)]) {
      await writer.put(status);
      expect(await reader.get(jobId)).toEqual(status);
    }
    await writer.put(testStatus(jobId, 2, 'processing'));
    expect(await reader.get(jobId)).toEqual(testStatus(jobId, 3));
  });

  it('keeps plain JSON for the time it is told', async () => {
    const cache = open();
    const status = testStatus(randomUUID(), 1_795_000_000_000_001, 'processing');
    await cache.put(status);
    const key = `job:${status.body.job_id}:status`;
    const json = await server.run((client) => client.get(key));
    expect(JSON.parse(String(json))).toEqual({ revision: status.revision, ...status.body });
    const remaining = await server.run((client) => client.pttl(key));
    expect(remaining).toBeGreaterThan(TTL_MS / 2);
    expect(remaining).toBeLessThanOrEqual(TTL_MS);
  });

  it('takes an old status for none unless the job completed: its end, or that it runs again, may have been missed', async () => {
    const cache = new RedisStatusCache<TestBody>({
      url: server.url,
      ttlMs: TTL_MS,
      freshMs: 300,
      budgetMs: 5_000,
      logger,
    });
    opened.push(cache);
    const mayChange = (['queued', 'processing', 'failed', 'cancelled'] as const).map((status) =>
      testStatus(randomUUID(), 1, status),
    );
    const completed = testStatus(randomUUID(), 1);
    await cache.put(completed);
    for (const status of mayChange) {
      const { job_id: jobId } = status.body;
      await cache.put(status);
      expect(await cache.get(jobId)).toEqual(status);
      await eventually('the status to age', async () => (await cache.get(jobId)) === undefined);
      expect(await cache.get(completed.body.job_id)).toEqual(completed);
      await cache.put(status);
      expect(await cache.get(jobId)).toEqual(status);
    }
  });

  it('takes a status for none whose age it cannot tell', async () => {
    const writer = new RedisStatusCache<TestBody>({ url: server.url, ttlMs: 2 * TTL_MS, logger });
    opened.push(writer);
    const status = testStatus(randomUUID(), 1, 'processing');
    await writer.put(status);
    expect(await open().get(status.body.job_id)).toBeUndefined();
  });

  it('costs next to nothing while Redis is silent or away, and works again afterwards', async () => {
    const cache = createStatusCache<TestBody>({ redisUrl: server.url, jobTtlMs: TTL_MS, logger });
    opened.push(cache);
    const status = testStatus(randomUUID(), 1);
    await cache.put(status);
    server.pause();
    const asked = Date.now();
    for (let call = 0; call < 20; call += 1) {
      await cache.put(status);
      expect(await cache.get(status.body.job_id)).toBeUndefined();
    }
    expect(Date.now() - asked).toBeLessThan(3_000);
    server.resume();
    await eventually('the status', () => cache.get(status.body.job_id));
    await server.kill();
    expect(await cache.get(status.body.job_id)).toBeUndefined();
    await expect(cache.forget(status.body.job_id)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await server.startAgain();
    await eventually('the status', async () => {
      await cache.put(status);
      return cache.get(status.body.job_id);
    });
  });
});
