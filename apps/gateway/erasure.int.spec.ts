import { randomUUID } from 'node:crypto';
import { JobLeaseRepository } from '#persistence';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { resultSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker, segments } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';

const base = '/api/transcribe/jobs';

describe('erasure', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let worker: PlayedWorker;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new RestClient(server.url);
    worker = new PlayedWorker(server);
  });
  afterAll(async () => {
    await server.stop();
  });

  async function erase(transcriptId: string): Promise<number> {
    return (await fetch(`${server.url}/api/transcripts/${transcriptId}`, { method: 'DELETE' })).status;
  }

  async function expectNothingLeft(jobId: string, transcriptId: string): Promise<void> {
    const paths = [
      `${base}/status/${jobId}`,
      `${base}/result/${jobId}`,
      `${base}/stream/${jobId}`,
      `/api/transcripts/${transcriptId}/download`,
    ];
    for (const path of paths) expect((await client.get(path)).status).toBe(404);
    expect((await client.get(base).then((list) => list.text())).includes(jobId)).toBe(false);
    expect(await server.events.history(jobId, 0, 10)).toEqual([]);
    expect(await server.queue.has(jobId)).toBe(false);
    expect(await server.storedFiles()).toEqual([]);
  }

  it('leaves nothing of a finished transcript, and tells of it by ids alone', async () => {
    const { jobId, transcriptId } = await client.submit({ title: 'Confidential' });
    await worker.complete(jobId);
    const link = resultSchema.parse((await client.json(`${base}/result/${jobId}`)).body).audio_url ?? '';
    expect(await erase(transcriptId)).toBe(204);
    await expectNothingLeft(jobId, transcriptId);
    expect((await fetch(link)).status).toBe(404);
    for (const table of ['transcripts', 'transcript_jobs', 'transcript_spans', 'transcript_segments']) {
      expect(await server.database.query(`SELECT 1 FROM ${table}`)).toEqual([]);
    }
    expect(await erase(transcriptId)).toBe(404);
    const log = await eventually('the line', () =>
      server.logLines.find((line) => line.includes('erased a transcript')),
    );
    expect(JSON.parse(log)).toMatchObject({ jobId, transcriptId });
    expect(server.logLines.join('')).not.toContain(segments[0]?.text ?? '');
    expect(await (await client.get('/metrics')).text()).toMatch(/polyscribe_transcripts_erased_total [1-9]/);
  });

  it('takes a queued job out and ends the streams of those who follow it', async () => {
    const { jobId, transcriptId } = await client.submit();
    const events = client.events(jobId);
    await events.next();
    expect(await erase(transcriptId)).toBe(204);
    await expectNothingLeft(jobId, transcriptId);
    for await (const event of events) expect(event.type).not.toBe('error');
  }, 30_000);

  it('asks the worker of a running job to stop, waits for it a while, and takes the job from one that does not', async () => {
    const { jobId, transcriptId } = await client.submit();
    const lease = await worker.claim(jobId);
    const leases = new JobLeaseRepository(server.database);
    const erased = erase(transcriptId);
    await eventually('the wish', async () => (await leases.renew(lease, 60_000)) === 'cancel_requested');
    expect(await erased).toBe(204);
    await expectNothingLeft(jobId, transcriptId);
    expect(await leases.renew(lease, 60_000)).toBe('lost');
  });

  it('answers 404 for what is not there', async () => {
    expect(await erase(randomUUID())).toBe(404);
    expect(await client.problem('/api/transcripts/no-uuid', { method: 'DELETE' })).toMatchObject({
      code: 'transcript_not_found',
    });
  });
});
