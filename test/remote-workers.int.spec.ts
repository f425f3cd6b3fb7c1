import { createHash, randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { ScriptedEngine, scriptedSpeech, scriptedWords, wavFile } from '#engine-testkit';
import type { JobOptions } from '#contracts';
import { JobLeaseRepository } from '#persistence';
import { eventually, freePort } from '#testing';
import { TestMesh } from './support/mesh.js';

const said = [scriptedWords.slice(0, 3), scriptedWords.slice(3, 6)];
const recording = wavFile(scriptedSpeech(said));

interface Offer {
  readonly job_id: string;
  readonly offer_id: string;
  readonly report_url: string;
  readonly media: { readonly url: string; readonly sha256: string; readonly duration: number };
  readonly options: Record<string, unknown>;
}

interface Message {
  readonly type: string;
  readonly data: Offer & { readonly status: string };
}

const NO_REMOTE_WORKER =
  'No remote worker takes jobs: register an endpoint for the event job.offered, or let the mesh do it with allow_fallback.';

const first = { start: 0, end: 0.4, text: 'good morning', speaker_tag: 4 };
const second = { start: 0.5, end: 0.9, text: 'and you', speaker_tag: 1, confidence: 0.75 };

describe('a remote worker', () => {
  let mesh: TestMesh;
  let url: string;
  let server: Server;
  let receiver: string;
  let secret: string;
  let endpointId: string;
  let messages: Message[] = [];

  beforeAll(async () => {
    server = http.createServer((request, response) => void take(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    receiver = `http://${host}`;
    const port = String(await freePort());
    const settings = { URL_ALLOWED_HOSTS: host, PORT: port, APP_URL: `http://127.0.0.1:${port}` };
    mesh = await TestMesh.start(undefined, settings);
    url = await mesh.serve();
    await mesh.work();
  });
  beforeEach(async () => {
    messages = [];
    const response = await post('/api/webhooks/endpoints', {
      url: `${receiver}/hook`,
      event_types: ['job.offered', 'job.completed', 'job.failed', 'job.cancelled'],
    });
    const endpoint = (await response.json()) as { id: string; secret: string };
    expect([response.status, endpoint]).toEqual([
      201,
      expect.objectContaining({ secret: expect.any(String) as string }),
    ]);
    ({ id: endpointId, secret } = endpoint);
  });
  afterEach(async () => {
    await fetch(`${url}/api/webhooks/endpoints/${endpointId}`, { method: 'DELETE' });
  });
  afterAll(async () => {
    await mesh.stop();
    server.closeAllConnections();
    server.close();
  });

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      response.end(request.url === '/cut.wav' ? recording.subarray(0, -3_200) : recording);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    messages.push(new Webhook(secret).verify(body, request.headers as Record<string, string>) as Message);
    response.writeHead(204).end();
  }

  function post(path: string, body: object): Promise<Response> {
    return fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async function submit(options: object = {}): Promise<string> {
    const response = await post('/api/transcribe/jobs/transcribe', {
      url: `${receiver}/talk.wav`,
      worker: 'remote',
      ...options,
    });
    const body = (await response.json()) as { job_id: string };
    expect([response.status, body]).toEqual([202, expect.anything()]);
    return body.job_id;
  }

  function offerOf(jobId: string, n = 1): Promise<Offer> {
    return eventually(`offer ${n} of the job`, () => {
      const offers = messages.filter(({ type, data }) => type === 'job.offered' && data.job_id === jobId);
      return offers[n - 1]?.data;
    });
  }

  interface Sent {
    readonly id?: string;
    readonly at?: Date;
    readonly key?: string;
    readonly workerId?: string;
    readonly target?: string;
  }

  async function report(offer: Offer, type: string, sequence: number, more: object = {}, sent: Sent = {}) {
    const { id = `msg_${randomUUID()}`, at = new Date(), key = secret, workerId = 'gpu-1', target } = sent;
    const data = { job_id: offer.job_id, offer_id: offer.offer_id, worker_id: workerId, sequence, ...more };
    const body = JSON.stringify({ type: `transcription.${type}`, timestamp: at.toISOString(), data });
    const response = await fetch(target ?? offer.report_url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
        'webhook-signature': new Webhook(key).sign(id, at, body),
      },
      body,
    });
    const answer = (await response.json()) as {
      applied?: boolean;
      code?: string;
      job_status?: string;
      detail?: string;
    };
    return { status: response.status, ...answer };
  }

  const whole = { segments: [first, second], language: 'en', model: 'large-v3' };

  async function ended(jobId: string) {
    return eventually('the job to end', async () => {
      const job = await mesh.jobs.find(jobId);
      return job?.endedAt ? job : undefined;
    });
  }

  async function told(jobId: string): Promise<string[]> {
    const events = await mesh.events.history(jobId, 0, 1_000);
    return events.flatMap(({ type, data }) => (type === 'status' ? [] : [type === 'delta' ? data.text : type]));
  }

  async function loseLease(jobId: string): Promise<void> {
    await mesh.database.query(
      `UPDATE transcript_jobs SET lease_until = now() - interval '1 second' WHERE job_id = $1`,
      [jobId],
    );
  }

  it('takes an offered job, tells how it gets on and sends its transcript', async () => {
    const jobId = await submit({ language: 'en', enable_diarization: true, metadata: { secret: 'not for workers' } });
    const offer = await offerOf(jobId);
    expect(JSON.stringify(offer)).not.toContain('not for workers');
    expect(offer.options).toMatchObject({ language: 'en', enable_diarization: true, task: 'transcribe' });
    const media = Buffer.from(await (await fetch(offer.media.url)).arrayBuffer());
    expect(createHash('sha256').update(media).digest('hex')).toBe(offer.media.sha256);
    expect(offer.media.duration).toBeCloseTo((recording.length - 44) / 32_000, 1);
    expect(await mesh.jobs.find(jobId)).toMatchObject({ status: 'queued', stage: 'offered' });

    expect(await report(offer, 'started', 1)).toMatchObject({ status: 200, applied: true });
    expect(await mesh.jobs.find(jobId)).toMatchObject({ status: 'processing', workerId: 'gpu-1', attempts: 1 });
    const half = { progress: 50, stage: 'aligning', message: 'Half way', segments: [first] };
    expect(await report(offer, 'progress', 2, half)).toMatchObject({ status: 200, applied: true });
    expect(await mesh.jobs.find(jobId)).toMatchObject({ progress: 50, stage: 'aligning', message: 'Half way' });
    expect(await told(jobId)).toEqual(['good morning']);
    expect(await report(offer, 'completed', 3, whole)).toMatchObject({ status: 200, applied: true });

    expect(await ended(jobId)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await mesh.transcripts.findByJob(jobId)).toMatchObject({
      engineUsed: 'whisperx',
      model: 'large-v3',
      language: 'en',
      segments: [
        { id: '0-0', startMs: 0, endMs: 400, text: 'good morning', speakerTag: 0 },
        { id: '0-1', startMs: 500, endMs: 900, text: 'and you', speakerTag: 1, confidence: 0.75 },
      ],
    });
    await eventually('the end to be told', async () => (await told(jobId)).at(-1) === 'completed');
    expect(await told(jobId)).toEqual(['good morning', 'and you', 'completed']);
    await eventually('the webhook of the end', () => messages.some(({ type }) => type === 'job.completed'));
  });

  it('has a recording that was cut off, as its result says', async () => {
    const jobId = await submit({ url: `${receiver}/cut.wav` });
    const offer = await offerOf(jobId);
    await report(offer, 'started', 1);
    await report(offer, 'completed', 2, { ...whole, segments: [first] });
    expect(await ended(jobId)).toMatchObject({ status: 'completed' });
    expect((await mesh.transcripts.findByJob(jobId))?.warnings).toMatchObject([{ code: 'media_truncated' }]);
  });

  it('may send everything twice and out of order: each report has its effect once, and none undoes a newer one', async () => {
    const jobId = await submit();
    const offer = await offerOf(jobId);
    const id = `msg_${randomUUID()}`;
    expect(await report(offer, 'started', 1, {}, { id })).toMatchObject({ status: 200, applied: true });
    expect(await report(offer, 'started', 1, {}, { id })).toMatchObject({ status: 200, applied: false });
    const progress = (percent: number) => ({ progress: percent, segments: [first] });
    expect(await report(offer, 'progress', 5, progress(60))).toMatchObject({ status: 200, applied: true });
    expect(await report(offer, 'progress', 3, progress(30))).toMatchObject({ status: 200, applied: false });
    expect(await report(offer, 'progress', 9, progress(90), { id })).toMatchObject({ status: 200, applied: false });
    expect(await mesh.jobs.find(jobId)).toMatchObject({ progress: 60 });
    const [one, other] = await Promise.all([
      report(offer, 'completed', 7, whole),
      report(offer, 'completed', 7, whole),
    ]);
    expect([one.status, other.status, one.applied !== other.applied]).toEqual([200, 200, true]);
    await ended(jobId);
    expect(await report(offer, 'completed', 7, whole)).toMatchObject({ status: 200, applied: false });
    expect(await report(offer, 'failed', 6, { message: 'Late.' })).toMatchObject({ status: 200, applied: false });
    const late = await report(offer, 'progress', 8, progress(99));
    expect(late).toMatchObject({ status: 409, code: 'job_state_conflict', job_status: 'completed' });
    await eventually('the end to be told', async () => (await told(jobId)).at(-1) === 'completed');
    // Reports are missing: what was told may not be what the text begins with, so it is told anew.
    expect(await told(jobId)).toEqual(['good morning', 'void', 'good morning', 'and you', 'completed']);
  });

  it('cannot have a job that another has', async () => {
    const offer = await offerOf(await submit());
    const [one, other] = await Promise.all([
      report(offer, 'started', 1, {}, { workerId: 'gpu-1' }),
      report(offer, 'started', 1, {}, { workerId: 'gpu-2' }),
    ]);
    expect([one.status, other.status].sort()).toEqual([200, 409]);
    const loser = one.status === 409 ? 'gpu-1' : 'gpu-2';
    expect(await report(offer, 'completed', 2, whole, { workerId: loser })).toMatchObject({ status: 409 });
    expect(await mesh.jobs.find(offer.job_id)).toMatchObject({ status: 'processing' });
  });

  it('is not heard without the secret of its endpoint, or long after', async () => {
    const offer = await offerOf(await submit());
    const old = new Date(Date.now() - 400_000);
    const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
    const nowhere = `${url}/api/webhooks/transcription?endpoint_id=${randomUUID()}`;
    const bare = `${url}/api/webhooks/transcription`;
    for (const sent of [{ at: old }, { key: other }, { target: nowhere }, { target: bare }]) {
      expect(await report(offer, 'started', 1, {}, sent)).toMatchObject({ status: 401, code: 'unauthorized' });
    }
    const unsigned = await fetch(offer.report_url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(unsigned.status).toBe(401);
    expect(await mesh.jobs.find(offer.job_id)).toMatchObject({ stage: 'offered' });
  });

  it('is told what is wrong with its reports', async () => {
    const offer = await offerOf(await submit());
    const unknown = { ...offer, job_id: randomUUID() };
    expect(await report(unknown, 'started', 1)).toMatchObject({ status: 404, code: 'job_not_found' });
    const earlier = { ...offer, offer_id: randomUUID() };
    expect(await report(earlier, 'started', 1)).toMatchObject({ status: 409, code: 'job_state_conflict' });
    const meshJob = await mesh.submit(recording, { engine: 'asr' });
    expect(await report({ ...offer, job_id: meshJob.id }, 'started', 1)).toMatchObject({ status: 409 });
    expect(await report(offer, 'progress', 1)).toMatchObject({ status: 409 });
    expect(await report(offer, 'sung', 1)).toMatchObject({ status: 400 });
    expect(await report(offer, 'started', 0)).toMatchObject({ status: 400 });
    await report(offer, 'started', 1);
    const wrong = [
      [second, first],
      [{ ...first, end: 3_600 }],
      [{ ...first, start: -1 }],
      [{ ...first, text: ' ' }],
      [{ ...first, text: 7 }],
      [{ ...first, channel: 1 }],
      [{ ...first, mood: 'good' }],
      [{ ...first, words: [{ word: 'good', start: 0.3, end: 0.1 }] }],
    ];
    for (const segments of wrong) {
      const answer = await report(offer, 'completed', 2, { ...whole, segments });
      expect(answer).toMatchObject({ status: 400, code: 'invalid_request' });
      expect(JSON.stringify(answer)).not.toContain('good morning');
    }
    const large = await report(offer, 'completed', 2, { ...whole, model: 'x'.repeat(17_000_000) });
    expect(large).toMatchObject({ status: 413 });
    expect(await report(offer, 'completed', 2, whole)).toMatchObject({ status: 200, applied: true });
    await ended(offer.job_id);
  });

  it('that falls silent has its job offered again, and is not heard any more', async () => {
    const jobId = await submit();
    const offer = await offerOf(jobId);
    await report(offer, 'started', 1);
    await report(offer, 'progress', 2, { segments: [first] });
    await loseLease(jobId);
    const again = await offerOf(jobId, 2);
    expect(await report(offer, 'completed', 3, whole)).toMatchObject({ status: 409, code: 'job_state_conflict' });
    expect(await report(again, 'started', 1)).toMatchObject({ status: 200, applied: true });
    expect(await report(again, 'completed', 2, { ...whole, segments: [second] })).toMatchObject({ applied: true });
    expect(await ended(jobId)).toMatchObject({ status: 'completed', attempts: 2 });
    await eventually('the end to be told', async () => (await told(jobId)).at(-1) === 'completed');
    expect(await told(jobId)).toEqual(['good morning', 'void', 'and you', 'completed']);
  });

  it('that says that it failed for good fails the job, with its code', async () => {
    const jobId = await submit();
    const offer = await offerOf(jobId);
    await report(offer, 'started', 1);
    const failure = { code: 'engine_bad_response', message: 'Out of memory.', retryable: false };
    expect(await report(offer, 'failed', 2, failure)).toMatchObject({ status: 200, applied: true });
    const { failure: known } = await ended(jobId);
    expect(known).toMatchObject({
      code: 'engine_bad_response',
      message: 'Out of memory.',
      attempts: [{ instance: 'gpu-1', code: 'engine_bad_response' }],
    });
    await eventually('the end to be told', async () => (await told(jobId)).at(-1) === 'error');
  });

  it('gives way to the mesh where the job may fall back', async () => {
    const engine = await mesh.host(new ScriptedEngine());
    const jobId = await submit({ allow_fallback: true, language: 'en' });
    const offer = await offerOf(jobId);
    await report(offer, 'started', 1);
    await report(offer, 'failed', 2, { message: 'No graphics card.', retryable: false });
    expect(await ended(jobId)).toMatchObject({ status: 'completed' });
    expect(await mesh.transcripts.findByJob(jobId)).toMatchObject({ fallbackReason: 'No graphics card.' });
    expect(await report(offer, 'completed', 3, whole)).toMatchObject({ status: 409 });
    await engine.stop();
  });

  it('hears of a cancel with its next report', async () => {
    const jobId = await submit();
    const offer = await offerOf(jobId);
    await report(offer, 'started', 1);
    await fetch(`${url}/api/transcribe/jobs/${jobId}`, { method: 'DELETE' });
    expect(await mesh.jobs.find(jobId)).toMatchObject({ status: 'cancelled' });
    const answer = await report(offer, 'completed', 2, whole);
    expect(answer).toMatchObject({ status: 409, code: 'job_state_conflict', job_status: 'cancelled' });
    await eventually('the end to be told', async () => (await told(jobId)).at(-1) === 'cancelled');
  });

  it('has its transcript kept when the gateway dies before it can answer', async () => {
    const jobId = await submit();
    const offer = await offerOf(jobId);
    await report(offer, 'started', 1);
    // What the gateway writes first; then it is gone, and the worker never comes back.
    const [row] = await mesh.database.query<{ token: string; run: number }>(
      'SELECT lease_token AS token, run FROM transcript_jobs WHERE job_id = $1',
      [jobId],
    );
    const lease = { jobId, token: row?.token ?? '', workerId: 'gpu-1', attempt: row?.run ?? 0 };
    const leases = new JobLeaseRepository(mesh.database);
    await leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 900 }]);
    const segment = { id: '0-0', span: 0, startMs: 0, endMs: 400, text: 'good morning' };
    const by = { engine: 'whisperx', instance: 'gpu-1', model: 'large-v3', language: 'en', warnings: [] } as const;
    await leases.commitSpan(lease, 0, { ...by, segments: [segment] });
    await loseLease(jobId);
    expect(await ended(jobId)).toMatchObject({ status: 'completed' });
    expect(messages.filter(({ type, data }) => type === 'job.offered' && data.job_id === jobId)).toHaveLength(1);
  });

  it('is not waited for where no endpoint takes offers', async () => {
    await fetch(`${url}/api/webhooks/endpoints/${endpointId}`, { method: 'DELETE' });
    const response = await post('/api/transcribe/jobs/transcribe', { url: `${receiver}/talk.wav`, worker: 'remote' });
    expect(response.status).toBe(503);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect([code, detail]).toEqual(['no_engine', NO_REMOTE_WORKER]);
  });

  it('that nobody is gives the job up after the last offer has lapsed', async () => {
    const jobId = await submit();
    const options: Partial<JobOptions> = { worker: 'remote' };
    expect((await mesh.jobs.find(jobId))?.options).toMatchObject(options);
    for (let n = 1; n <= 4; n += 1) {
      await offerOf(jobId, n);
      await mesh.database.query('UPDATE transcript_jobs SET not_before = now() WHERE job_id = $1', [jobId]);
    }
    const { failure } = await ended(jobId);
    expect(failure).toMatchObject({ code: 'no_engine', message: 'No remote worker took the job in time.' });
  });
});
