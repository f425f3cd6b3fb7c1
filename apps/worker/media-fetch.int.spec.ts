import { createHash } from 'node:crypto';
import http, { type RequestListener, type Server } from 'node:http';
import { Readable } from 'node:stream';
import type { Job } from '#contracts';
import { JobLeaseRepository } from '#persistence';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type Script, segmentEvent, summaryEvent } from './testing/fakes.js';
import { wav } from './testing/wav.js';
import { WorkerHarness } from './testing/worker-harness.js';

const never = new AbortController().signal;
const local = instanceOf('local');
const sound = wav(1, 2);
const speaks: Script = () => [segmentEvent(0, 500, 'hello'), summaryEvent()];

describe('recordings that are fetched', () => {
  let harness: WorkerHarness;
  let server: Server | undefined;
  let requests: string[] = [];

  beforeAll(async () => {
    harness = await WorkerHarness.start();
  });
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    requests = [];
  });
  afterAll(() => harness.stop());

  async function host(listener: RequestListener): Promise<string> {
    server = http.createServer((request, response) => {
      requests.push(request.url ?? '');
      listener(request, response);
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  }

  function run(job: Job, worker = harness.worker([local], { 'local:1': speaks })) {
    return worker.consumer.handleJob(job.id, never);
  }

  async function objectsOf(job: Job): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of harness.objects.list(`media/${job.id}/`)) keys.push(key);
    return keys;
  }

  it('are stored, hashed and named by their host, and transcribed', async () => {
    const url = await host((_request, response) => {
      response.setHeader('content-disposition', 'attachment; filename="../visit one.wav"');
      response.end(sound);
    });
    const job = await harness.submitUrl(`${url}/x.bin?token=secret`);
    expect(job.media).toBeUndefined();
    await run(job);
    const done = await harness.find(job);
    expect(done).toMatchObject({ status: 'completed', filename: 'visit one.wav' });
    expect(done.media).toMatchObject({
      bytes: sound.length,
      sha256: createHash('sha256').update(sound).digest('hex'),
      mediaType: 'audio/wav',
    });
    expect(done.stages.map(({ name }) => name)).toEqual(expect.arrayContaining(['fetching', 'transcribing']));
    expect(await objectsOf(job)).toEqual([done.media?.key]);
    expect(JSON.stringify(await harness.history(job))).not.toContain('secret');
  });

  it('are not transcribed again where their job may reuse the transcript that they gave before', async () => {
    const url = await host((_request, response) => {
      response.end(wav(2, 1));
    });
    const first = await harness.submitUrl(`${url}/a.wav`);
    await run(first);
    const worker = harness.worker([local], { 'local:1': speaks });
    const again = await harness.submitUrl(`${url}/b.wav`, { reuse: true });
    await run(again, worker);
    expect(worker.engines.calls).toEqual([]);
    const [before, after] = [await harness.find(first), await harness.find(again)];
    expect(before.media?.facts).toMatchObject({ container: 'wav', audio: { codec: 'pcm_s16le' } });
    expect(after).toMatchObject({ status: 'completed', reusedFrom: first.id, filename: 'b.wav' });
    expect(after.media).toMatchObject({ sha256: before.media?.sha256, facts: before.media?.facts });
    expect(after.media?.key).not.toBe(before.media?.key);
    const [made, taken] = [
      await harness.transcripts.findByJob(first.id),
      await harness.transcripts.findByJob(again.id),
    ];
    expect(taken).toEqual({ ...made, id: again.transcriptId, jobId: again.id });
    expect((await harness.history(again)).at(-1)).toMatchObject({ type: 'completed' });
  });

  it('are not fetched again once they are stored', async () => {
    const url = await host((_request, response) => response.end(sound));
    const job = await harness.submitUrl(url);
    const broken = harness.worker([local], { 'local:1': () => [new Error('crash')] });
    await run(job, broken);
    await eventually('the job to be due again', async () => {
      await run(job);
      return (await harness.find(job)).status === 'completed';
    });
    expect(requests).toHaveLength(1);
  });

  it('leave nothing behind when a worker dies before it has recorded them', async () => {
    const url = await host((_request, response) => response.end(sound));
    const job = await harness.submitUrl(url);
    const dead = `media/${job.id}/fetched-0.mp3`;
    await harness.objects.put(dead, Readable.from([sound]));
    await run(job);
    const done = await harness.find(job);
    expect(done.status).toBe('completed');
    expect(await objectsOf(job)).toEqual([done.media?.key]);
  });

  it('leave nothing behind when the job went to another worker meanwhile', async () => {
    const leases = new JobLeaseRepository(harness.database);
    const job = await harness.submitUrl('http://127.0.0.1/');
    let release: (() => void) | undefined;
    const url = await host((_request, response) => {
      release = () => response.end(sound.subarray(1_000));
      response.write(sound.subarray(0, 1_000));
    });
    const first = await leases.claim(job.id, 'frozen', 1);
    if (!first) throw new Error('not claimed');
    const { lease } = first;
    const fetching = harness
      .mediaFetch()
      .fetch(
        { jobId: job.id, url, run: lease.attempt, failingMs: 0, record: (media) => leases.recordMedia(lease, media) },
        never,
      );
    fetching.catch(() => undefined);
    await eventually('the host to be asked', () => Promise.resolve(release !== undefined));
    const second = await eventually('the lease to run out', () => leases.claim(job.id, 'next', 60_000));
    const stored = `media/${job.id}/fetched-${second.lease.attempt}.wav`;
    await harness.objects.put(stored, Readable.from([sound]));
    release?.();
    await expect(fetching).rejects.toThrow('no longer holds');
    expect(await objectsOf(job)).toEqual([stored]);
    expect((await harness.find(job)).media).toBeUndefined();
  });

  it.each([
    ['refuses', 404, 'invalid_request'],
    ['has no body', 204, 'invalid_request'],
    ['wants a login', 401, 'invalid_request'],
  ])('fail for good where the host %s', async (_title, status, code) => {
    const url = await host((_request, response) => response.writeHead(status).end());
    const job = await harness.submitUrl(url);
    expect(await run(job)).toBeUndefined();
    expect(await harness.find(job)).toMatchObject({ status: 'failed', failure: { code, retryable: false } });
    expect(requests).toHaveLength(1);
  });

  it('can be tried again by hand when the host has been mended', async () => {
    let status = 404;
    const url = await host((_request, response) => response.writeHead(status).end(sound));
    const job = await harness.submitUrl(url);
    await run(job);
    status = 200;
    expect(await harness.jobs.retry(job.id)).toBe('queued');
    await run(job);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
  });

  it('wait for a host that is in trouble, without using up an attempt', async () => {
    let failures = 3;
    const url = await host((_request, response) => {
      failures -= 1;
      if (failures === 2) response.writeHead(503, { 'retry-after': '1' }).end();
      else if (failures === 1) response.destroy();
      else if (failures === 0)
        response.writeHead(200, { 'content-length': sound.length }).write('RIFF', () => response.destroy());
      else response.end(sound);
    });
    const job = await harness.submitUrl(url);
    expect(await run(job)).toMatchObject({ afterMs: expect.any(Number) as number });
    await eventually('the job to be done', async () => {
      await run(job);
      return (await harness.find(job)).status === 'completed';
    });
    expect(await harness.find(job)).toMatchObject({ attempts: 1 });
    expect(requests).toHaveLength(4);
    expect(await objectsOf(job)).toHaveLength(1);
  });

  it('give up a host that stays in trouble for longer than an attempt may take', async () => {
    const url = await host((_request, response) => response.writeHead(500).end());
    const job = await harness.submitUrl(url);
    const worker = harness.worker([local], {}, { jobTimeoutMs: 300 });
    await eventually('the job to be given up', async () => {
      await run(job, worker);
      return (await harness.find(job)).status === 'failed';
    });
    expect((await harness.find(job)).failure).toMatchObject({ code: 'dependency_unavailable', retryable: true });
  });

  it.each([
    ['is a web page', 'unsupported_media', Buffer.from('<!doctype html><title>Log in</title>')],
    ['is empty', 'unsupported_media', Buffer.alloc(0)],
    ['is larger than is taken', 'payload_too_large', Buffer.concat([wav(1, 60), wav(1, 60)])],
  ])('fail for good when what comes %s', async (_title, code, body) => {
    const url = await host((_request, response) => {
      // In pieces: nothing tells its length.
      Readable.from([body.subarray(0, 10), body.subarray(10)]).pipe(response);
    });
    const job = await harness.submitUrl(url);
    await run(job);
    expect(await harness.find(job)).toMatchObject({ status: 'failed', failure: { code } });
    expect(await objectsOf(job)).toEqual([]);
  });

  it('are refused by a length that is too large, before a byte of them', async () => {
    const url = await host((_request, response) =>
      response.writeHead(200, { 'content-length': '9000000000' }).flushHeaders(),
    );
    const job = await harness.submitUrl(url);
    await run(job);
    expect((await harness.find(job)).failure).toMatchObject({ code: 'payload_too_large' });
  });

  it('are not fetched from where a redirect leads inside', async () => {
    const url = await host((_request, response) => response.writeHead(302, { location: 'http://127.0.0.2/' }).end());
    const job = await harness.submitUrl(url);
    await run(job);
    expect((await harness.find(job)).failure).toMatchObject({ code: 'url_not_allowed' });
  });

  it('are broken off by a cancel', async () => {
    const url = await host((_request, response) => void response.write(sound.subarray(0, 1_000)));
    const job = await harness.submitUrl(url);
    const running = run(job);
    await eventually('the host to be asked', () => Promise.resolve(requests.length === 1));
    await harness.jobs.requestCancel(job.id);
    await running;
    expect(await harness.find(job)).toMatchObject({ status: 'cancelled' });
    expect(await objectsOf(job)).toEqual([]);
  });
});
