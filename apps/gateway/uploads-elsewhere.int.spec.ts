import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database, JobRepository, UploadRepository } from '#persistence';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { startS3Server, TEST_KEYS, type TestS3Server } from '../../libs/objects/testing.js';
import { startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, problemSchema } from './openapi/response-schemas.js';
import { ServiceProcess } from './testing/service-process.js';
import { type RegistryStandIn, startRegistryStandIn } from './testing/registry-stand-in.js';
import { noisyWav } from './testing/sounds.js';
import { TusClient } from './testing/tus-client.js';

/** Three pieces of what a gateway makes safe at a time, and some. */
const sound = noisyWav(900);
const DEADLINE_MS = 60_000;

describe('a resumable upload into S3 by way of several gateways', () => {
  let s3: TestS3Server;
  let postgres: TestDatabase;
  let registry: RegistryStandIn;
  let database: Database;
  let folder: string;
  let gateways: ServiceProcess[] = [];

  beforeAll(async () => {
    s3 = await startS3Server();
    postgres = await startTestDatabase();
    registry = await startRegistryStandIn([instanceOf('local')], createLogger('test', 'silent'));
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-uploads-'));
    database = new Database(postgres.url);
    await database.connect();
  });
  afterEach(async () => {
    for (const gateway of gateways) await gateway.kill();
    gateways = [];
  });
  afterAll(async () => {
    await registry.stop();
    await database.close();
    await postgres.stop();
    await s3.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(): Promise<TusClient> {
    const gateway = await ServiceProcess.start('gateway', {
      // Each has a folder of its own, as on hosts of their own.
      DATA_DIR: join(folder, String(gateways.length)),
      DATABASE_URL: postgres.url,
      ENGINE_REGISTRY_URL: registry.address,
      MINIO_ENDPOINT: s3.endpoint,
      MINIO_ACCESS_KEY: TEST_KEYS.accessKey,
      MINIO_SECRET_KEY: TEST_KEYS.secretKey,
      MINIO_BUCKET_NAME: 'uploads-test',
    });
    gateways.push(gateway);
    return new TusClient(gateway.url);
  }

  /** Begins to send and never comes to an end. */
  function hang(url: string, offset: number, bytes: Buffer): () => void {
    const sending = httpRequest(url, {
      method: 'PATCH',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-offset': String(offset),
        'content-length': sound.length - offset,
        'content-type': 'application/offset+octet-stream',
      },
    });
    sending.on('error', () => undefined);
    sending.write(bytes);
    return () => sending.destroy();
  }

  function received(id: string): Promise<number> {
    return new UploadRepository(database).find(id).then((upload) => upload?.received ?? 0);
  }

  it('goes on at another one when its gateway is killed in the middle of a piece', async () => {
    const [first, second] = [await start(), await start()];
    const path = await first.created(sound.length, { filename: 'long.wav' });
    const id = path.split('/').at(-1) ?? '';
    const stop = hang(first.baseUrl + path, 0, sound.subarray(0, 20_000_000));
    // Two pieces are safe, and the third is on its way.
    await eventually('two pieces', async () => (await received(id)) >= 16_000_000, DEADLINE_MS);
    const busy = await second.request('HEAD', path);
    expect(busy.status).toBe(423);
    const meanwhile = await second.send(path, 16_777_216, new Uint8Array(sound.subarray(16_777_216)));
    expect([meanwhile.status, problemSchema.parse(await meanwhile.json()).code]).toEqual([423, 'upload_locked']);

    await gateways[0]?.kill();
    stop();
    const offset = await eventually(
      'the lock to run out',
      () => second.offset(path).catch(() => undefined),
      DEADLINE_MS,
    );
    expect(offset).toBeGreaterThanOrEqual(16_000_000);
    expect(offset).toBeLessThan(20_000_001);
    const sent = await second.send(path, offset, new Uint8Array(sound.subarray(offset)));
    expect([sent.status, sent.headers.get('upload-offset')]).toEqual([204, String(sound.length)]);

    const third = await start();
    const response = await third.submit(id);
    expect(response.status).toBe(202);
    const job = await new JobRepository(database).find(acceptedSchema.parse(await response.json()).job_id);
    expect(job?.media).toMatchObject({
      filename: 'long.wav',
      bytes: sound.length,
      sha256: createHash('sha256').update(sound).digest('hex'),
    });
    expect(await third.request('HEAD', path).then(({ status }) => status)).toBe(404);
  }, 180_000);
});
