import { randomBytes, randomUUID } from 'node:crypto';
import http, { type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import type { Job, JobCallback, JobOptions, WebhookEndpoint } from '#contracts';
import { OutboundHttp } from '#outbound-http';
import {
  Database,
  JobLeaseRepository,
  JobRepository,
  RemoteLeaseRepository,
  TranscriptRepository,
  WebhookDeliveryRepository,
  WebhookEndpointRepository,
} from '#persistence';
import { createJobQueue } from '#queue';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { TestRedis } from '../../libs/redis/testing.js';
import { newJob, segment, spanResult, startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { quickSettings, unread } from './testing/fakes.js';
import { WebhookDispatch } from './webhook-dispatch.js';
import { WebhookSender, type WebhookSettings } from './webhook-sender.js';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const logger = createLogger('test', 'silent');

describe.each(['PostgreSQL', 'Redis'])('webhooks over a queue on %s', (store) => {
  let testDatabase: TestDatabase;
  let redis: TestRedis | undefined;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;
  let deliveries: WebhookDeliveryRepository;
  let endpoints: WebhookEndpointRepository;
  let receiver: Server;
  let base: string;
  let received: Received[] = [];
  let answer: (response: ServerResponse, message: Received) => void;
  const running: WebhookDispatch[] = [];

  beforeAll(async () => {
    testDatabase = await startTestDatabase();
    redis = store === 'Redis' ? await TestRedis.start() : undefined;
    database = new Database(testDatabase.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
    deliveries = new WebhookDeliveryRepository(database);
    endpoints = new WebhookEndpointRepository(database);
    receiver = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const message = { path: request.url ?? '', headers: request.headers, body };
        received.push(message);
        answer(response, message);
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const address = receiver.address();
    base = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  });
  beforeEach(() => {
    received = [];
    answer = (response) => response.writeHead(204).end();
  });
  afterEach(async () => {
    for (const dispatch of running.splice(0)) await dispatch.stop(1_000);
    for (const { id } of await endpoints.list()) await endpoints.delete(id);
    await database.query(`DELETE FROM webhook_deliveries`);
  });
  afterAll(async () => {
    receiver.closeAllConnections();
    receiver.close();
    await database.close();
    await redis?.close();
    await testDatabase.stop();
  });

  function sender(changes: Partial<WebhookSettings> = {}): WebhookSender {
    const outbound = new OutboundHttp({ allowedHosts: ['127.0.0.1'] });
    const settings = { ...quickSettings().webhooks, callbackSecret: secret, ...changes };
    const transcripts = new TranscriptRepository(database);
    const offers = new RemoteLeaseRepository(database);
    const objects = { presign: () => Promise.reject(new Error('nothing is offered here')) };
    const files = {
      link: ({ options }: Job) => Promise.resolve(options.resultFile && `https://store.example/${options.resultFile}`),
    };
    const parts = { deliveries, jobs, transcripts, offers, objects, files, outbound, settings };
    return new WebhookSender({ ...parts, metrics: unread(), logger });
  }

  function start(changes: Partial<WebhookSettings> = {}): void {
    const queue = createJobQueue({ databaseUrl: testDatabase.url, redisUrl: redis?.url, logger, name: 'webhooks' });
    const dispatch = new WebhookDispatch(queue, deliveries, sender(changes), 20, logger);
    running.push(dispatch);
    dispatch.start();
  }

  async function submit(callback?: Partial<JobCallback>, wish: Partial<JobOptions> = {}): Promise<string> {
    const options = {
      ...wish,
      dbId: 'row 7',
      metadata: { visit: 3 },
      ...(callback
        ? { callback: { url: `${base}/callback`, payload: 'thin' as const, onError: true, ...callback } }
        : {}),
    };
    const job = await jobs.create(newJob(options));
    return job.id;
  }

  async function leaseOf(jobId: string) {
    const claim = await leases.claim(jobId, 'worker', 60_000);
    if (!claim) throw new Error('not claimed');
    return claim.lease;
  }

  async function complete(jobId: string): Promise<void> {
    const lease = await leaseOf(jobId);
    await leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 2_000 }]);
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0, { text: 'hello' }), segment(0, 1, { text: 'there' })]));
    await leases.complete(lease, {
      language: 'en',
      durationMs: 2_000,
      engineUsed: 'local',
      model: 'base',
      warnings: [],
    });
  }

  async function fail(jobId: string): Promise<void> {
    const failure = { code: 'engine_timeout' as const, message: 'It took too long.', retryable: true };
    await leases.fail(await leaseOf(jobId), failure);
  }

  async function register(changes: Partial<WebhookEndpoint> = {}): Promise<string> {
    const content = { url: `${base}/endpoint`, eventTypes: [], payload: 'thin' as const, description: '', ...changes };
    return (await endpoints.create(randomUUID(), content, secret)).id;
  }

  async function settled(jobId: string, count = 1) {
    return eventually('the deliveries to be settled', async () => {
      const { deliveries: found } = await deliveries.list({ jobId, limit: 100 });
      return found.length === count && found.every(({ state }) => state !== 'pending') ? found : undefined;
    });
  }

  function verified({ headers, body }: Received, key = secret): unknown {
    return new Webhook(key).verify(body, headers as Record<string, string>);
  }

  it('tell of a completed job, signed so that the library of the standard takes it', async () => {
    start();
    const jobId = await submit({});
    await complete(jobId);
    await settled(jobId);
    const job = await jobs.find(jobId);
    expect(received.map((message) => verified(message))).toEqual([
      {
        type: 'job.completed',
        timestamp: job?.endedAt?.toISOString(),
        data: {
          job_id: jobId,
          transcript_id: job?.transcriptId,
          status: 'completed',
          db_id: 'row 7',
          metadata: { visit: 3 },
        },
      },
    ]);
  });

  it('hold the fields of older callbacks where they are to be full', async () => {
    start({ publicUrl: 'https://speech.example/' });
    const [good, bad] = [await submit({ payload: 'full' }), await submit({ payload: 'full' })];
    await complete(good);
    await settled(good);
    await fail(bad);
    await settled(bad);
    const transcriptId = (await jobs.find(good))?.transcriptId ?? '';
    expect(received.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      {
        job_id: good,
        status: 'completed',
        language: 'en',
        duration: 2,
        output: 'hello there',
        minio_url: `https://speech.example/api/transcripts/${transcriptId}/download?format=txt`,
        db_id: 'row 7',
      },
      {
        type: 'job.failed',
        job_id: bad,
        status: 'failed',
        error: 'It took too long.',
        db_id: 'row 7',
        data: { error: { code: 'engine_timeout', message: 'It took too long.' } },
      },
    ]);
  });

  it('link to the file that the job left in the object store', async () => {
    start({ publicUrl: 'https://speech.example/' });
    const job = await submit({ payload: 'full' }, { resultFile: 'srt' });
    await complete(job);
    await settled(job);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ minio_url: 'https://store.example/srt' });
  });

  it('tell of a cancel, and of failures only where that is wanted', async () => {
    start();
    const [cancelled, quiet] = [await submit({ onError: false }), await submit({ onError: false })];
    await jobs.requestCancel(cancelled);
    await fail(quiet);
    await settled(cancelled);
    expect((await deliveries.list({ jobId: quiet, limit: 10 })).deliveries).toEqual([]);
    expect(received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual(['job.cancelled']);
  });

  it('are accepted exactly once each by a receiver that was down for five tries', async () => {
    const downFor = new Map<string, number>();
    answer = (response, { headers }) => {
      const id = String(headers['webhook-id']);
      const failures = downFor.get(id) ?? 0;
      downFor.set(id, failures + 1);
      if (failures === 0) response.destroy();
      else if (failures === 4) response.writeHead(302, { location: `${base}/elsewhere` }).end();
      else if (failures < 5) response.writeHead(503).end('down');
      else response.writeHead(200).end('thanks');
    };
    start();
    start();
    const ids = [await submit({}), await submit({}), await submit({})];
    for (const id of ids) await complete(id);
    for (const id of ids) {
      const [delivery] = await settled(id);
      expect(delivery).toMatchObject({ state: 'delivered' });
      expect(delivery?.tries.map(({ status }) => status)).toEqual([undefined, 503, 503, 503, 302, 200]);
      expect(delivery?.tries.at(-1)).toMatchObject({ response: 'thanks' });
      expect(delivery?.tries.at(0)?.error).toContain('broke off');
    }
    expect([...downFor.values()]).toEqual([6, 6, 6]);
    expect(received.filter(({ path }) => path === '/elsewhere')).toEqual([]);
    for (const message of received) expect(verified(message)).toMatchObject({ type: 'job.completed' });
  });

  it('are delivered once though their queue is away for a while and loses what it held', async () => {
    let tries = 0;
    answer = (response) => {
      tries += 1;
      response.writeHead(tries === 1 ? 503 : 204).end();
    };
    start({ retryMs: [400] });
    const jobId = await submit({});
    await complete(jobId);
    await eventually('the first try', () => tries === 1);
    await redis?.kill();
    await redis?.startAgain();
    expect(await settled(jobId)).toMatchObject([{ state: 'delivered' }]);
    expect(tries).toBe(2);
  });

  it('go to every endpoint that wants them, and to none that is disabled', async () => {
    start();
    const all = await register();
    const failures = await register({ eventTypes: ['job.failed'], url: `${base}/failures` });
    const off = await register({ url: `${base}/off` });
    await endpoints.change(off, { enabled: false });
    const jobId = await submit();
    await complete(jobId);
    expect(await settled(jobId)).toMatchObject([{ endpointId: all, event: 'job.completed' }]);
    const failed = await submit();
    await fail(failed);
    const told = await settled(failed, 2);
    expect(told.map(({ endpointId }) => endpointId).sort()).toEqual([all, failures].sort());
    expect(received.map(({ path }) => path).sort()).toEqual(['/endpoint', '/endpoint', '/failures']);
  });

  it('stop for good at an endpoint that answers 410', async () => {
    answer = (response) => response.writeHead(410).end();
    start();
    const id = await register();
    const jobId = await submit();
    await complete(jobId);
    expect(await settled(jobId)).toMatchObject([{ state: 'failed', tries: [{ status: 410 }] }]);
    expect((await endpoints.find(id))?.disabledReason).toContain('410');
    const next = await submit();
    await complete(next);
    expect((await deliveries.list({ jobId: next, limit: 10 })).deliveries).toEqual([]);
  });

  it('are signed with both secrets while one takes the place of the other', async () => {
    start();
    const id = await register();
    const next = `whsec_${randomBytes(32).toString('base64')}`;
    expect(await endpoints.rotateSecret(id, next, 60_000)).toBe(true);
    const jobId = await submit();
    await complete(jobId);
    await settled(jobId);
    const [message] = received;
    expect(message && [verified(message), verified(message, next)]).toHaveLength(2);
  });

  it('are given up after the last retry, and delivered when they are asked for again', async () => {
    answer = (response) => response.writeHead(500).end('x'.repeat(100_000));
    start();
    const jobId = await submit({});
    await complete(jobId);
    const [delivery] = await settled(jobId);
    expect(delivery).toMatchObject({ state: 'failed' });
    expect(delivery?.tries).toHaveLength(6);
    expect(delivery?.tries.at(-1)?.response?.length).toBe(1_024);
    answer = (response) => response.writeHead(200).end();
    expect(await deliveries.redeliver(delivery?.id ?? '')).toBe(true);
    expect(await settled(jobId)).toMatchObject([{ state: 'delivered' }]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('are tried again under the same id when a worker dies in the middle of a try', async () => {
    const jobId = await submit({});
    await complete(jobId);
    const [id = ''] = await eventually('the delivery to be due', () => deliveries.due(1));
    expect(await deliveries.claim(id, 300)).toMatchObject({ tries: 1 });
    expect(await deliveries.claim(id, 300)).toBeUndefined();
    start();
    expect(await settled(jobId)).toMatchObject([{ id, state: 'delivered' }]);
    expect(received).toHaveLength(1);
  });

  it('do not count a try that the stop of a worker broke off', async () => {
    answer = () => undefined;
    const jobId = await submit({});
    await complete(jobId);
    const [id = ''] = await eventually('the delivery to be due', () => deliveries.due(1));
    const stop = new AbortController();
    const sending = sender({ answerMs: 60_000 }).send(id, stop.signal);
    await eventually('the message to arrive', () => received.length === 1);
    stop.abort();
    await sending;
    expect(await deliveries.claim(id, 1_000)).toMatchObject({ roundTry: 1 });
  });

  it('tell anew of a job that was retried, under another id', async () => {
    start();
    const jobId = await submit({});
    await fail(jobId);
    await settled(jobId);
    await jobs.retry(jobId);
    await complete(jobId);
    await settled(jobId, 2);
    expect(received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
      'job.failed',
      'job.completed',
    ]);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });

  it('never go to an inner address', async () => {
    start();
    const jobId = await submit({ url: base.replace('127.0.0.1', 'localhost') });
    await complete(jobId);
    const [delivery] = await settled(jobId);
    expect(delivery).toMatchObject({ state: 'failed' });
    expect(delivery?.tries.at(-1)?.error).toContain('may not be called');
    expect(received).toEqual([]);
  });

  it('are written in the transaction that ends the job, or not at all', async () => {
    const jobId = await submit({});
    const lease = await leaseOf(jobId);
    let written = 0;
    const ending = database.transaction(async ({ query }) => {
      await query(
        `UPDATE transcript_jobs SET status = 'cancelled', completed_at = now(), lease_token = NULL, lease_until = NULL
         WHERE job_id = $1`,
        [jobId],
      );
      written = (await query('SELECT FROM webhook_deliveries')).length;
      throw new Error('the process dies');
    });
    await expect(ending).rejects.toThrow('dies');
    expect(written).toBe(1);
    expect((await deliveries.list({ jobId, limit: 10 })).deliveries).toEqual([]);
    expect(await leases.renew(lease, 1_000)).toBe('held');
  });
});
