import { createHash, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { MediaIntake } from '#media-intake';
import { UploadRepository } from '#persistence';
import { jobV1 } from '#protos';
import { eventually } from '#testing';
import { UploadContent } from '#uploads';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, problemSchema } from './openapi/response-schemas.js';
import { SubmittedUpload } from './submit/submitted-upload.service.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { noisyWav, silentWav } from './testing/sounds.js';
import { TusClient } from './testing/tus-client.js';

const MAX_BYTES = 40_000_000;

describe('a resumable upload', () => {
  let server: GatewayUnderTest;
  let client: TusClient;
  let uploads: UploadRepository;
  const sound = new Uint8Array(silentWav(1));

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')], { MAX_FILE_SIZE: String(MAX_BYTES) });
    client = new TusClient(server.url);
    uploads = new UploadRepository(server.database);
  });
  afterAll(() => server.stop());

  async function refusal(response: Response) {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const problem = problemSchema.parse(await response.json());
    return { status: response.status, code: problem.code };
  }

  async function jobOf(response: Response) {
    expect(response.status).toBe(202);
    return server.jobs.find(acceptedSchema.parse(await response.json()).job_id);
  }

  const idOf = (path: string): string => path.split('/').at(-1) ?? '';

  it('says what it offers', async () => {
    const response = await fetch(`${server.url}/api/uploads`, { method: 'OPTIONS' });
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'tus-version': '1.0.0',
      'tus-max-size': String(MAX_BYTES),
      'tus-extension': 'creation,creation-with-upload,termination,expiration',
    });
  });

  it('becomes the recording of a job like any other, in however many pieces it came', async () => {
    const path = await client.created(sound.length, { filename: '../../Visite №7.wav' });
    for (let offset = 0; offset < sound.length; offset += 10_000) {
      expect(await client.offset(path)).toBe(offset);
      const response = await client.send(path, offset, sound.slice(offset, offset + 10_000));
      expect(response.status).toBe(204);
      expect(response.headers.get('upload-offset')).toBe(String(Math.min(offset + 10_000, sound.length)));
    }
    const job = await jobOf(await client.submit(idOf(path), { language: 'en' }));
    expect(job).toMatchObject({
      status: 'queued',
      filename: 'Visite №7.wav',
      media: { bytes: sound.length, sha256: createHash('sha256').update(sound).digest('hex'), mediaType: 'audio/wav' },
    });
    await eventually('its ticket', async () => server.queue.has(job?.id ?? ''));
    const files = await server.storedFiles();
    expect(files.filter((file) => file.includes(idOf(path)))).toEqual([]);
  });

  it('is taken with its creation', async () => {
    const headers = { 'upload-length': String(sound.length), 'content-type': 'application/offset+octet-stream' };
    const response = await client.request('POST', '/api/uploads', headers, sound);
    expect(response.status).toBe(201);
    expect(response.headers.get('upload-offset')).toBe(String(sound.length));
    expect((await client.submit(idOf(response.headers.get('location') ?? ''))).status).toBe(202);
  });

  it('is submitted over gRPC as well', async () => {
    const uploadId = await client.upload(sound);
    const channel = createGrpcChannel(server.grpcAddress);
    try {
      const jobs = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
      const { job } = await jobs.submit(only({ payload: { $case: 'options', value: { uploadId } } }));
      expect(await server.jobs.find(job?.jobId ?? '')).toMatchObject({ media: { bytes: sound.length } });
    } finally {
      channel.close();
    }
  });

  it('makes one job, whoever comes first of several', async () => {
    const uploadId = await client.upload(sound);
    const statuses = await Promise.all(Array.from({ length: 4 }, async () => (await client.submit(uploadId)).status));
    expect(statuses.sort()).toEqual([202, 409, 409, 409]);
    expect(await refusal(await client.submit(uploadId))).toEqual({ status: 409, code: 'upload_conflict' });
  });

  it.each(['before', 'while'])('is known as used where another takes it %s its pieces are read', async (when) => {
    const uploadId = await client.upload(sound);
    const content = new UploadContent(server.objects, uploads);
    const take = async (): Promise<void> => {
      expect((await client.submit(uploadId)).status).toBe(202);
      expect(await uploads.partKeys(uploadId)).toEqual([]);
    };
    const readLate = async (id: string): Promise<Readable> => {
      if (when === 'before') await take();
      const pieces = await content.read(id);
      if (when === 'while') await take();
      return pieces;
    };
    const intake = new MediaIntake({ objects: server.objects, maxFileBytes: MAX_BYTES });
    const handOver = { unlessAway: () => Promise.resolve() };
    const late = new SubmittedUpload(uploads, { read: readLate, clear: (id) => content.clear(id) }, intake, handOver);
    const { signal } = new AbortController();
    const second = late.store({ jobId: randomUUID(), name: 'source' }, uploadId, signal);
    await expect(second).rejects.toMatchObject({ code: 'upload_conflict' });
  });

  it('makes one job under one key, and every answer is that of the first', async () => {
    const uploadId = await client.upload(sound);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () =>
        acceptedSchema.parse(await (await client.submit(uploadId, {}, key)).json()),
      ),
    );
    expect(new Set(answers.map((answer) => answer.job_id)).size).toBe(1);
    const again = await client.submit(uploadId, {}, key);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    expect((await client.submit(uploadId, { title: 'x' }, key)).status).toBe(422);
  });

  it('is kept when its submission is refused', async () => {
    const uploadId = await client.upload(sound);
    expect((await client.submit(uploadId, { speed: '2' })).status).toBe(400);
    expect((await client.submit(uploadId)).status).toBe(202);
  });

  it('is refused at submit while it is unfinished, unknown, no UUID or no recording', async () => {
    const path = await client.created(sound.length);
    expect(await refusal(await client.submit(idOf(path)))).toEqual({ status: 409, code: 'upload_conflict' });
    expect(await refusal(await client.submit(randomUUID()))).toEqual({ status: 404, code: 'upload_not_found' });
    expect(await refusal(await client.submit('../x'))).toEqual({ status: 400, code: 'invalid_request' });
    const text = await client.upload(new TextEncoder().encode('This is no recording. '.repeat(500)));
    expect(await refusal(await client.submit(text))).toEqual({ status: 415, code: 'unsupported_media' });
    const empty = idOf(await client.created(0));
    expect(await refusal(await client.submit(empty))).toEqual({ status: 415, code: 'unsupported_media' });
    expect((await client.submit(text, { url: 'https://media.example.com/a.mp3' })).status).toBe(400);
  });

  it('is refused at once when it is to be larger than allowed, or turns out to be', async () => {
    expect(await refusal(await client.create(MAX_BYTES + 1))).toEqual({ status: 413, code: 'payload_too_large' });
    const path = await client.created(10);
    expect(await refusal(await client.send(path, 0, new Uint8Array(11)))).toMatchObject({ status: 413 });
  });

  it('says that more came than was announced, and takes what is missing', async () => {
    const path = await client.created(10);
    const tooMuch = await client.send(path, 0, new Uint8Array(11));
    expect(await detailOf(tooMuch)).toContain('Upload-Length');
    expect((await client.send(path, 0, new Uint8Array(10))).status).toBe(204);
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['Upload-Length', {}],
    ['Upload-Length', { 'upload-length': '-1' }],
    ['Upload-Metadata', { 'upload-length': '1', 'upload-metadata': 'a b c' }],
  ])('names the header that is at fault, %s', async (name, headers) => {
    expect(await detailOf(await client.request('POST', '/api/uploads', headers))).toMatch(
      new RegExp(`^${name} must be `),
    );
  });

  it.each([{}, { 'tus-resumable': '0.2.2' }])(
    'names the version that it speaks to a client that says %j',
    async (headers) => {
      const response = await fetch(`${server.url}/api/uploads`, { method: 'POST', headers });
      expect(response.headers.get('tus-version')).toBe('1.0.0');
      expect(problemSchema.parse(await response.json())).toMatchObject({
        status: 412,
        code: 'unsupported_version',
        title: 'Protocol version not supported',
        detail: 'Send the header Tus-Resumable: 1.0.0 with every request.',
      });
    },
  );

  it('names the type that a piece must have', async () => {
    const path = await client.created(10);
    const piece = await client.request('PATCH', path, { 'upload-offset': '0', 'content-type': 'text/plain' });
    expect(await detailOf(piece)).toContain('application/offset+octet-stream');
  });

  const detailOf = async (response: Response) => problemSchema.parse(await response.json()).detail;

  it.each<[string, number, string, () => Promise<Response>]>([
    ['an unknown upload', 404, 'upload_not_found', () => client.send(`/api/uploads/${randomUUID()}`, 0, sound)],
    ['an id that is a path', 404, 'upload_not_found', () => client.send('/api/uploads/..%2fx', 0, sound)],
    ['no length', 400, 'invalid_request', () => client.request('POST', '/api/uploads')],
    ['a negative length', 400, 'invalid_request', () => client.create(-1)],
    ['a length to be told later', 400, 'invalid_request', () => deferred()],
    ['broken metadata', 400, 'invalid_request', () => broken()],
    ['endless metadata', 400, 'invalid_request', () => client.create(1, { filename: 'x'.repeat(9_000) })],
  ])('is refused with %s', async (_title, status, code, act) => {
    expect(await refusal(await act())).toMatchObject({ status, code: expect.stringMatching(code) as string });
  });

  const deferred = () => client.request('POST', '/api/uploads', { 'upload-defer-length': '2' });
  const broken = () => client.request('POST', '/api/uploads', { 'upload-length': '1', 'upload-metadata': 'a b c' });

  it('does not go on anywhere but where it stands', async () => {
    const path = await client.created(sound.length);
    await client.send(path, 0, sound.slice(0, 100));
    expect(await refusal(await client.send(path, 50, sound.slice(50)))).toEqual({
      status: 409,
      code: 'upload_conflict',
    });
    expect(await client.offset(path)).toBe(100);
  });

  it('keeps what came before the connection broke', async () => {
    const talk = new Uint8Array(noisyWav(310));
    const path = await client.created(talk.length);
    const sending = slowly(path, talk.length);
    sending.write(talk.slice(0, 9_000_000));
    await eventually(
      'a piece to be safe',
      async () => ((await uploads.find(idOf(path)))?.received ?? 0) > 8_000_000,
      60_000,
    );
    sending.destroy();
    await eventually('the lock to be given back', () => uploads.lock(idOf(path), randomUUID(), 1), 60_000);
    const offset = await client.offset(path);
    expect(offset).toBeGreaterThan(8_000_000);
    expect((await client.send(path, offset, talk.slice(offset))).status).toBe(204);
    expect(await jobOf(await client.submit(idOf(path)))).toMatchObject({
      media: { sha256: createHash('sha256').update(talk).digest('hex') },
    });
  }, 120_000);

  it('tells a second client that the first one is at it', async () => {
    const path = await client.created(sound.length);
    const first = slowly(path, sound.length);
    first.write(sound.slice(0, 1_000));
    await eventually('the lock', async () => !(await uploads.lock(idOf(path), randomUUID(), 1)));
    const second = await client.send(path, 0, sound);
    expect(await refusal(second)).toEqual({ status: 423, code: 'upload_locked' });
    const ended = new Promise((resolve) => first.once('response', (response) => resolve(response.statusCode)));
    first.end(sound.slice(1_000));
    expect(await ended).toBe(204);
    expect((await client.submit(idOf(path))).status).toBe(202);
  });

  it('is gone when it is terminated', async () => {
    const path = await client.created(sound.length);
    await client.send(path, 0, sound.slice(0, 1_000));
    expect((await client.request('DELETE', path)).status).toBe(204);
    expect((await client.request('HEAD', path)).status).toBe(404);
    expect((await server.storedFiles()).filter((file) => file.includes(idOf(path)))).toEqual([]);
    expect((await client.request('DELETE', path)).status).toBe(404);
  });

  it('is gone when its time has run out', async () => {
    const path = await client.created(sound.length);
    const expires = (await client.send(path, 0, sound.slice(0, 10))).headers.get('upload-expires');
    expect(Date.parse(expires ?? '')).toBeGreaterThan(Date.now() + 23 * 3_600_000);
    await server.database.query('UPDATE uploads SET expires_at = now() WHERE id = $1', [idOf(path)]);
    expect(await refusal(await client.send(path, 10, sound.slice(10)))).toMatchObject({ status: 404 });
    expect(await refusal(await client.submit(idOf(path)))).toMatchObject({ status: 404 });
  });

  /** A request whose body comes as the test writes it. */
  function slowly(path: string, bytes: number) {
    const sending = httpRequest(server.url + path, {
      method: 'PATCH',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-length': bytes,
        'content-type': 'application/offset+octet-stream',
      },
    });
    sending.on('error', () => undefined);
    return sending;
  }
});

async function* only<T>(message: T): AsyncGenerator<T> {
  yield await Promise.resolve(message);
}

describe('open uploads', () => {
  let server: GatewayUnderTest;
  let client: TusClient;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')], {
      MAX_OPEN_UPLOADS: '3',
      MAX_OPEN_UPLOAD_BYTES: '1000000',
    });
    client = new TusClient(server.url);
  });
  afterAll(() => server.stop());

  async function outcome(bytes: number): Promise<[number, string | undefined]> {
    const response = await client.create(bytes);
    if (response.status === 201) return [201, response.headers.get('location') ?? undefined];
    const problem = problemSchema.parse(await response.json());
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    return [response.status, problem.code];
  }

  it('are as many and as large in all as the operator allows, until they are submitted, deleted or too old', async () => {
    const many = await Promise.all(Array.from({ length: 8 }, () => outcome(1_000)));
    expect(many.filter(([status]) => status === 201)).toHaveLength(3);
    expect(many.filter(([, code]) => code === 'rate_limited')).toHaveLength(5);
    for (const [, path] of many.filter(([status]) => status === 201)) await client.request('DELETE', path ?? '');
    expect((await outcome(999_999))[0]).toBe(201);
    expect(await outcome(2)).toEqual([429, 'rate_limited']);
    await server.database.query('UPDATE uploads SET expires_at = clock_timestamp()');
    const sound = new Uint8Array(silentWav(1));
    const ids = [await client.upload(sound), await client.upload(sound), await client.upload(sound)];
    expect(await outcome(1)).toEqual([429, 'rate_limited']);
    expect((await client.submit(ids[0] ?? '')).status).toBe(202);
    expect((await outcome(1))[0]).toBe(201);
  });
});
