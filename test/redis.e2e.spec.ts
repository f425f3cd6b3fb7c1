import { eventually } from '#testing';
import { TestRedis } from '../libs/redis/testing.js';
import { accepted, result, type SseMessage, watch, watchToEnd } from './support/api.js';
import { MeshProcess, sample, temporaryDataDir } from './support/mesh-process.js';

const DEADLINE_MS = 100_000;

/** A job's status as the status route and Redis have it. */
interface Status {
  readonly job_id: string;
  readonly status: string;
  readonly revision?: number;
}

/** What Redis is to a mesh: quicker while it is there, and nobody's loss when it is not. */
describe('a mesh with Redis', () => {
  let data: Awaited<ReturnType<typeof temporaryDataDir>>;
  let redis: TestRedis;
  let mesh: MeshProcess;

  beforeAll(async () => {
    redis = await TestRedis.start({ password: 'open sesame' });
    data = await temporaryDataDir();
    mesh = await MeshProcess.start(data.path, { REDIS_URL: redis.url, REDIS_JOB_TTL: '600' });
  }, 300_000);

  afterAll(async () => {
    await mesh.stop();
    await redis.close();
    await data.remove();
  }, 300_000);

  async function statusOf(jobId: string): Promise<Status> {
    const response = await fetch(`${mesh.http}/api/transcribe/jobs/status/${jobId}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as Status;
  }

  async function cached(jobId: string): Promise<Status | undefined> {
    const json = await redis.run((client) => client.get(`job:${jobId}:status`));
    return json === null ? undefined : (JSON.parse(json) as Status);
  }

  function expectWhole(messages: readonly SseMessage[]): void {
    const ids = messages.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(messages.filter(({ type }) => type === 'completed')).toHaveLength(1);
    expect(messages.at(-1)?.type).toBe('completed');
  }

  it('has the end in Redis when its event is out, and serves it from the database without Redis', async () => {
    const job = await accepted(mesh.http, sample('clinic-dialogue.opus'));
    expect(await cached(job.job_id)).toMatchObject({ job_id: job.job_id });
    const statuses: string[] = [];
    for await (const { type } of watch(mesh.http, job.job_id)) {
      if (type === 'completed') statuses.push((await statusOf(job.job_id)).status);
    }
    expect(statuses).toEqual(['completed']);

    const { segments } = await result(mesh.http, job.job_id);
    const { revision, ...kept } = (await cached(job.job_id)) ?? {};
    expect(revision).toBeGreaterThan(0);
    expect(kept).toMatchObject({ status: 'completed', progress: 100, result: { segments_count: segments.length } });
    expect(await statusOf(job.job_id)).toEqual(kept);
    const ttlMs = await redis.run((client) => client.pttl(`job:${job.job_id}:status`));
    expect(ttlMs).toBeGreaterThan(300_000);
    expect(ttlMs).toBeLessThanOrEqual(600_000);

    await redis.flush();
    expect(await statusOf(job.job_id)).toEqual(kept);
    // Who asked first has put it back for the others.
    expect(await cached(job.job_id)).toMatchObject({ status: 'completed' });
    await redis.kill();
    expect(await statusOf(job.job_id)).toEqual(kept);
    expect((await result(mesh.http, job.job_id)).status).toBe('completed');
    await redis.startAgain();
    expect(await statusOf(job.job_id)).toEqual(kept);
  }, 300_000);

  it('is told of no older status after a newer one while a job runs', async () => {
    const job = await accepted(mesh.http, sample('long-read.opus'));
    const seen: { status: string; progress: number }[] = [];
    await eventually(
      'the job to end',
      async () => {
        const { status, progress } = (await statusOf(job.job_id)) as Status & { progress: number };
        seen.push({ status, progress });
        return status === 'completed';
      },
      DEADLINE_MS,
    );
    const order = ['queued', 'processing', 'completed'];
    const ranks = seen.map(({ status, progress }) => order.indexOf(status) * 1_000 + progress);
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expectWhole(await watchToEnd(mesh.http, job.job_id));
  }, 300_000);

  it('sends every event once though Redis loses everything in the middle of a job', async () => {
    const job = await accepted(mesh.http, sample('long-read.opus'));
    const messages: SseMessage[] = [];
    let flushed = false;
    for await (const message of watch(mesh.http, job.job_id)) {
      messages.push(message);
      if (flushed || message.type !== 'delta') continue;
      flushed = true;
      await redis.flush();
    }
    expect(flushed).toBe(true);
    expectWhole(messages);
    const deltas = messages.filter(({ type }) => type === 'delta').map(({ data }) => data['segment_id']);
    expect(new Set(deltas).size).toBe(deltas.length);
    expect((await result(mesh.http, job.job_id)).segments).toHaveLength(deltas.length);
  }, 300_000);

  it('takes a job while Redis is down and does it once it is back', async () => {
    await redis.kill();
    const begun = performance.now();
    const job = await accepted(mesh.http, sample('clinic-dialogue.opus'));
    // The upload and its probe included; no more than one deadline of a server that is away.
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(await statusOf(job.job_id)).toMatchObject({ status: 'queued' });
    await redis.startAgain();
    expectWhole(await watchToEnd(mesh.http, job.job_id));
    expect(await statusOf(job.job_id)).toMatchObject({ status: 'completed' });
  }, 300_000);

  it('cancels a job at once while Redis is down, and runs it again on retry', async () => {
    await redis.kill();
    const job = await accepted(mesh.http, sample('clinic-dialogue.opus'));
    const url = `${mesh.http}/api/transcribe/jobs/${job.job_id}`;
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(200);
    expect(await statusOf(job.job_id)).toMatchObject({ status: 'cancelled' });
    await redis.startAgain();
    expect((await fetch(`${url}/retry`, { method: 'POST' })).status).toBe(202);
    expect((await statusOf(job.job_id)).status).not.toBe('cancelled');
    await eventually('it to complete', async () => (await statusOf(job.job_id)).status === 'completed', DEADLINE_MS);
    expect(await cached(job.job_id)).toMatchObject({ status: 'completed' });
  }, 300_000);
});
