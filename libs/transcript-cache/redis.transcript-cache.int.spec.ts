import { createLogger } from '#telemetry';
import { type ContractFixture, eventually } from '#testing';
import { TestRedis } from '../redis/testing.js';
import { createTranscriptCache, type TranscriptCache } from './index.js';
import { RedisTranscriptCache, type RedisTranscriptCacheOptions } from './redis.transcript-cache.js';
import { testTranscript, transcriptCacheContract } from './transcript-cache.contract.js';

const TTL_MS = 60_000;
const logger = createLogger('test', 'silent');
let server: TestRedis;
let opened: TranscriptCache[] = [];

beforeAll(async () => {
  server = await TestRedis.start({ password: 'open sesame' });
});

afterAll(() => server.close());

function open(options: Partial<RedisTranscriptCacheOptions> = {}): TranscriptCache {
  // A put that a busy machine holds up is dropped in use; what is told here is what becomes of those that arrive.
  const cache = new RedisTranscriptCache({ url: server.url, ttlMs: TTL_MS, budgetMs: 5_000, logger, ...options });
  opened.push(cache);
  return cache;
}

async function dispose(): Promise<void> {
  for (const cache of opened) await cache.close();
  opened = [];
}

function fixture(): Promise<ContractFixture<TranscriptCache>> {
  return Promise.resolve({ open, dispose });
}

transcriptCacheContract('RedisTranscriptCache', fixture);

describe('RedisTranscriptCache', () => {
  afterEach(dispose);

  it('gives what another process put in, for the time it is told', async () => {
    const { revision, transcript } = testTranscript();
    await open().put({ revision, transcript });
    expect(await open().get(transcript.jobId, revision)).toEqual(transcript);
    const remaining = await server.run((client) => client.pttl(`job:${transcript.jobId}:transcript`));
    expect(remaining).toBeGreaterThan(TTL_MS / 2);
    expect(remaining).toBeLessThanOrEqual(TTL_MS);
  });

  it('keeps nothing that is too long', async () => {
    const cache = open({ maxLength: 2_000 });
    const { revision, transcript } = testTranscript(5, 'x'.repeat(2_000));
    await cache.put({ revision, transcript });
    expect(await server.run((client) => client.exists(`job:${transcript.jobId}:transcript`))).toBe(0);
  });

  it('costs next to nothing while Redis is silent or away, and works again afterwards', async () => {
    const cache = createTranscriptCache({ redisUrl: server.url, jobTtlMs: TTL_MS, logger });
    opened.push(cache);
    const cached = testTranscript();
    const { jobId } = cached.transcript;
    server.pause();
    const asked = Date.now();
    for (let call = 0; call < 20; call += 1) {
      await cache.put(cached);
      expect(await cache.get(jobId, cached.revision)).toBeUndefined();
    }
    expect(Date.now() - asked).toBeLessThan(3_000);
    server.resume();
    await server.kill();
    expect(await cache.get(jobId, cached.revision)).toBeUndefined();
    await expect(cache.forget(jobId)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await server.startAgain();
    await eventually('the transcript', async () => {
      await cache.put(cached);
      return cache.get(jobId, cached.revision);
    });
  });
});
