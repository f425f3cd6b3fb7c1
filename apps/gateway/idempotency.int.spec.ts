import { randomUUID } from 'node:crypto';
import { Metadata } from 'nice-grpc-common';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { jobV1 } from '#protos';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { silentWav } from './testing/sounds.js';

const route = '/api/transcribe/jobs/transcribe';

interface Wish {
  readonly fields?: Readonly<Record<string, string>>;
  readonly seconds?: number;
  readonly filename?: string;
}

describe('a submission with an Idempotency-Key', () => {
  let server: GatewayUnderTest;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
  });
  afterAll(() => server.stop());

  function send(key: string, { fields = {}, seconds = 1, filename = 'visit.wav' }: Wish = {}, path = route) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(silentWav(seconds))]), filename);
    return fetch(server.url + path, { method: 'POST', body: form, headers: { 'idempotency-key': key } });
  }

  function sendUrl(key: string, url: string) {
    const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
    return fetch(server.url + route, { method: 'POST', body: JSON.stringify({ url }), headers });
  }

  async function accepted(response: Response) {
    expect(response.status).toBe(202);
    const body = acceptedSchema.parse(await response.json());
    return { body, replayed: response.headers.get('idempotency-replayed') };
  }

  async function refusal(response: Response) {
    const problem = problemSchema.parse(await response.json());
    return { status: response.status, code: problem.code, pointers: problem.errors?.map(({ pointer }) => pointer) };
  }

  it('gives the answer of the first when it is sent again, and keeps one job and one file', async () => {
    const key = randomUUID();
    const before = { rows: await server.countRows(), files: (await server.storedFiles()).length };
    const fields = { language: 'en', metadata: '{"a":1,"b":2}' };
    const first = await accepted(await send(key, { fields }));
    const again = await accepted(
      await send(`"${key}"`, { fields: { metadata: '{"b":2, "a":1}', language: 'EN' }, filename: 'other-name.wav' }),
    );
    expect(again).toEqual({ body: first.body, replayed: 'true' });
    expect(first.replayed).toBeNull();
    expect(await server.countRows()).toBe(before.rows + 1);
    expect(await server.storedFiles()).toHaveLength(before.files + 1);
  });

  it('gives the same answer when the job has moved on', async () => {
    const key = randomUUID();
    const first = await accepted(await send(key));
    await new PlayedWorker(server).complete(first.body.job_id);
    expect(await accepted(await send(key))).toEqual({ body: first.body, replayed: 'true' });
  });

  it.each<[string, Wish, string]>([
    ['other options', { fields: { title: 'b' } }, route],
    ['another recording', { seconds: 2 }, route],
  ])('is refused with %s, and leaves nothing behind', async (_title, wish, path) => {
    const key = randomUUID();
    await accepted(await send(key, { fields: {} }));
    const before = { rows: await server.countRows(), files: await server.storedFiles() };
    expect(await refusal(await send(key, wish, path))).toEqual({
      status: 422,
      code: 'idempotency_mismatch',
      pointers: ['/idempotency-key'],
    });
    expect({ rows: await server.countRows(), files: await server.storedFiles() }).toEqual(before);
  });

  it('makes one job when ten come at once', async () => {
    const key = randomUUID();
    const before = { rows: await server.countRows(), files: (await server.storedFiles()).length };
    const answers = await Promise.all(Array.from({ length: 10 }, async () => accepted(await send(key))));
    expect(new Set(answers.map(({ body }) => body.job_id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect(await server.countRows()).toBe(before.rows + 1);
    expect(await server.storedFiles()).toHaveLength(before.files + 1);
  });

  it('leaves its key free when it is refused', async () => {
    const key = randomUUID();
    expect((await send(key, { fields: { speed: '2' } })).status).toBe(400);
    expect(await accepted(await send(key))).toMatchObject({ replayed: null });
  });

  it('is known by the url where the recording is still to be fetched', async () => {
    const key = randomUUID();
    const first = await accepted(await sendUrl(key, 'https://media.example.com/a.mp3'));
    expect(await accepted(await sendUrl(key, 'https://media.example.com/a.mp3'))).toEqual({
      body: first.body,
      replayed: 'true',
    });
    expect(await refusal(await sendUrl(key, 'https://media.example.com/b.mp3'))).toMatchObject({ status: 422 });
  });

  it('shares its key with gRPC', async () => {
    const key = randomUUID();
    const first = await accepted(await send(key));
    const channel = createGrpcChannel(server.grpcAddress);
    try {
      const client = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
      const headers: (string | undefined)[] = [];
      const { job } = await client.submit(upload(), {
        metadata: new Metadata().set('idempotency-key', key),
        onHeader: (header) => headers.push(header.get('idempotency-replayed')),
      });
      expect(job?.jobId).toBe(first.body.job_id);
      expect(headers).toEqual(['true']);
      const long = new Metadata().set('idempotency-key', 'k'.repeat(300));
      await expect(client.submit(upload(), { metadata: long })).rejects.toThrow('Idempotency-Key must be');
    } finally {
      channel.close();
    }
  });

  it('begins anew under a key whose transcript was erased', async () => {
    const key = randomUUID();
    const first = await accepted(await send(key));
    const erased = await fetch(`${server.url}/api/transcripts/${first.body.transcript_id}`, { method: 'DELETE' });
    expect(erased.status).toBe(204);
    const next = await accepted(await send(key));
    expect(next.replayed).toBeNull();
    expect(next.body.job_id).not.toBe(first.body.job_id);
  });

  it('is refused with a key that is none, and so is a key on any other route', async () => {
    expect(await refusal(await send('two words'))).toMatchObject({ status: 400, pointers: ['/idempotency-key'] });
    const contexts = await fetch(`${server.url}/api/contexts`, { method: 'POST', headers: { 'idempotency-key': 'a' } });
    expect(await refusal(contexts)).toMatchObject({ status: 400, pointers: ['/idempotency-key'] });
  });
});

async function* upload(): AsyncGenerator<{ payload: jobV1.SubmitRequest['payload'] & object }> {
  yield await Promise.resolve({ payload: { $case: 'options' as const, value: jobV1.SubmitOptions.create() } });
  yield { payload: { $case: 'content' as const, value: silentWav(1) } };
}
