import { TestRedis } from '../../libs/redis/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { resultSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';

const text = 'How are you? Much better.';

describe('results with Redis', () => {
  let redis: TestRedis;
  let server: GatewayUnderTest;
  let client: RestClient;
  let worker: PlayedWorker;

  beforeAll(async () => {
    redis = await TestRedis.start();
    server = await startGatewayUnderTest([instanceOf('local')], { REDIS_URL: redis.url });
    client = new RestClient(server.url);
    worker = new PlayedWorker(server);
  });
  afterAll(async () => {
    await server.stop();
    await redis.close();
  });

  async function completed(): Promise<{ jobId: string; transcriptId: string }> {
    const job = await client.submit();
    await worker.complete(job.jobId);
    return job;
  }

  async function textOf(jobId: string): Promise<string> {
    return resultSchema.parse((await client.json(`/api/transcribe/jobs/result/${jobId}`)).body).text;
  }

  /** Takes the text away behind everybody's back, to see where a result comes from. */
  async function loseText(jobId: string): Promise<void> {
    await server.database.query(
      'DELETE FROM transcript_segments WHERE transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1)',
      [jobId],
    );
  }

  function kept(jobId: string): Promise<number> {
    return redis.run((each) => each.exists(`job:${jobId}:transcript`));
  }

  it('come from there once they were read, in every form', async () => {
    const { jobId, transcriptId } = await completed();
    expect(await kept(jobId)).toBe(0);
    expect(await textOf(jobId)).toBe(text);
    expect(await kept(jobId)).toBe(1);
    await loseText(jobId);
    expect(await textOf(jobId)).toBe(text);
    const file = await client.get(`/api/transcripts/${transcriptId}/download?format=srt`);
    expect(await file.text()).toContain('Much better.');
  });

  it('come from the database after any change of the job', async () => {
    const { jobId } = await completed();
    expect(await textOf(jobId)).toBe(text);
    await loseText(jobId);
    await server.database.query('UPDATE transcript_jobs SET updated_at = now() WHERE job_id = $1', [jobId]);
    expect(await textOf(jobId)).toBe('');
  });

  it('are gone from there once they are erased', async () => {
    const { jobId, transcriptId } = await completed();
    expect(await textOf(jobId)).toBe(text);
    const erased = await fetch(`${server.url}/api/transcripts/${transcriptId}`, { method: 'DELETE' });
    expect(erased.status).toBe(204);
    expect(await kept(jobId)).toBe(0);
    expect((await client.get(`/api/transcribe/jobs/result/${jobId}`)).status).toBe(404);
  });

  it('are not shown from there where the row is gone, whatever is left of them', async () => {
    const { jobId, transcriptId } = await completed();
    expect(await textOf(jobId)).toBe(text);
    await server.jobs.delete(jobId);
    expect(await kept(jobId)).toBe(1);
    expect((await client.get(`/api/transcribe/jobs/result/${jobId}`)).status).toBe(404);
    expect((await client.get(`/api/transcripts/${transcriptId}/download?format=txt`)).status).toBe(404);
  });

  it('come from the database while Redis is away', async () => {
    const { jobId } = await completed();
    await redis.kill();
    try {
      expect(await textOf(jobId)).toBe(text);
    } finally {
      await redis.startAgain();
    }
  });
});
