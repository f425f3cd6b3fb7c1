import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { Database, JobRepository } from '#persistence';
import { jobV1 } from '#protos';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { startS3Server, TEST_KEYS, type TestS3Server } from '../../libs/objects/testing.js';
import { startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema } from './openapi/response-schemas.js';
import { ServiceProcess } from './testing/service-process.js';
import { largeSound, streamOf } from './testing/large-sound.js';
import { type RegistryStandIn, startRegistryStandIn } from './testing/registry-stand-in.js';
import { TusClient } from './testing/tus-client.js';

/** What is sent by each way in, more than twice what memory may grow by; `UPLOAD_TEST_BYTES=2000000000` for the real thing. */
const BYTES = Number(process.env['UPLOAD_TEST_BYTES'] ?? 150_000_000);
const WARM_UP_BYTES = 20_000_000;
/** What the process may grow by, however large the file is. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
const DEADLINE_MS = 60_000 + BYTES / 2_000;
const route = '/api/transcribe/jobs/transcribe';

describe.each(['files', 'S3'])('a large upload into %s', (store) => {
  let folder: string;
  let postgres: TestDatabase;
  let registry: RegistryStandIn;
  let s3: TestS3Server;
  let gateway: ServiceProcess;
  let environment: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-large-'));
    postgres = await startTestDatabase();
    registry = await startRegistryStandIn([instanceOf('local')], createLogger('test', 'silent'));
    s3 = await startS3Server();
    const bucket = {
      MINIO_ENDPOINT: s3.endpoint,
      MINIO_ACCESS_KEY: TEST_KEYS.accessKey,
      MINIO_SECRET_KEY: TEST_KEYS.secretKey,
      MINIO_BUCKET_NAME: 'large-uploads',
    };
    environment = {
      DATA_DIR: folder,
      DATABASE_URL: postgres.url,
      ENGINE_REGISTRY_URL: registry.address,
      MAX_FILE_SIZE: String(BYTES),
      URL_ALLOWED_HOSTS: '127.0.0.1',
      ...(store === 'S3' ? bucket : {}),
    };
    gateway = await ServiceProcess.start('gateway', environment);
  });
  afterAll(async () => {
    await gateway.kill();
    await registry.stop();
    await postgres.stop();
    await s3.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function multipart(bytes: number): Promise<number> {
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="long.wav"\r\n\r\n';
    const response = await fetch(gateway.url + route, {
      method: 'POST',
      body: streamOf(largeSound(bytes), head, '\r\n--b--\r\n'),
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      duplex: 'half',
    });
    await response.arrayBuffer();
    return response.status;
  }

  async function tus(bytes: number): Promise<number> {
    const client = new TusClient(gateway.url);
    const path = await client.created(bytes);
    const sent = await fetch(gateway.url + path, {
      method: 'PATCH',
      body: streamOf(largeSound(bytes)),
      headers: {
        ...{ 'tus-resumable': '1.0.0', 'upload-offset': '0' },
        'content-type': 'application/offset+octet-stream',
      },
      duplex: 'half',
    });
    expect(sent.status).toBe(204);
    return (await client.submit(path.split('/').at(-1) ?? '')).status;
  }

  async function grpc(bytes: number): Promise<number> {
    const channel = createGrpcChannel(gateway.grpcAddress);
    try {
      const client = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: DEADLINE_MS });
      const { job } = await client.submit(messages(bytes));
      return job?.state === jobV1.JobState.QUEUED ? 202 : 500;
    } finally {
      channel.close();
    }
  }

  it.each([
    ['as a form', multipart],
    ['in a resumable upload', tus],
    ['over gRPC', grpc],
  ])(
    'leaves the memory of the gateway as it is, %s',
    async (way, send) => {
      // The first uploads load code, fill pools and let the heap take its size.
      expect(await send(WARM_UP_BYTES)).toBe(202);
      let status = 0;
      const growth = await gateway.growthDuring(async () => {
        status = await send(BYTES);
      });
      report(`${way} into ${store}`, growth);
      expect(status).toBe(202);
      expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
    },
    DEADLINE_MS,
  );

  it(
    'leaves the memory of the worker as it is, fetched by its URL',
    async () => {
      const host = await serveSound();
      const database = new Database(postgres.url);
      await database.connect();
      const jobs = new JobRepository(database);
      const worker = await ServiceProcess.start('worker', { ...environment, MAX_CONCURRENCY: '1' });
      const fetched = async (bytes: number): Promise<void> => {
        const { port } = host.address() as AddressInfo;
        const url = `http://127.0.0.1:${port}/${bytes}.wav`;
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify({ url, priority: 9 });
        const response = await fetch(gateway.url + route, { method: 'POST', headers, body });
        const { job_id: jobId } = acceptedSchema.parse(await response.json());
        const media = async () => (await jobs.find(jobId))?.media;
        expect(await eventually('the recording', media, DEADLINE_MS)).toMatchObject({ bytes });
        // Its place is wanted for the next one, and there is no engine to be waited for.
        await fetch(`${gateway.url}/api/transcribe/jobs/${jobId}`, { method: 'DELETE' });
      };
      try {
        // What other ways have brought would be worked on first.
        for (const { id } of (await jobs.list({ limit: 100 })).jobs) await jobs.requestCancel(id);
        await fetched(WARM_UP_BYTES);
        const growth = await worker.growthDuring(() => fetched(BYTES));
        report(`by URL into ${store}`, growth);
        expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
      } finally {
        await worker.kill();
        host.closeAllConnections();
        host.close();
        await database.close();
      }
    },
    DEADLINE_MS * 2,
  );

  it(
    'is refused over gRPC at the byte that is too much',
    async () => {
      let sent = 0;
      const endless = async function* () {
        for await (const message of messages(10 * BYTES)) {
          if (message.payload.$case === 'content') sent += message.payload.value.length;
          yield message;
        }
      };
      const channel = createGrpcChannel(gateway.grpcAddress);
      try {
        const client = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: DEADLINE_MS });
        await expect(client.submit(endless())).rejects.toThrow('The file is larger than');
        // What is on its way when the answer comes is lost.
        expect(sent).toBeLessThan(BYTES + 16_000_000);
      } finally {
        channel.close();
      }
    },
    DEADLINE_MS,
  );
});

async function* messages(bytes: number) {
  yield { payload: { $case: 'options' as const, value: { filename: 'long.wav' } } };
  for (const piece of largeSound(bytes)) {
    yield { payload: { $case: 'content' as const, value: await Promise.resolve(piece) } };
  }
}

/** Figures of a run that is not just a test. */
function report(way: string, growth: number): void {
  if (process.env['UPLOAD_TEST_BYTES'] === undefined) return;
  process.stderr.write(`${BYTES} bytes ${way}: grew by ${Math.round(growth / 1024 / 1024)} MB\n`);
}

/** Serves recordings of as many bytes as their name says. */
async function serveSound(): Promise<Server> {
  const server = createServer((request, response) => {
    const bytes = Number(/^\/(\d+)\.wav$/.exec(request.url ?? '')?.[1]);
    response.writeHead(200, { 'content-length': bytes, 'content-type': 'audio/wav' });
    Readable.from(largeSound(bytes), { objectMode: false })
      .on('error', () => undefined)
      .pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
