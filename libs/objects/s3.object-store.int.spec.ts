import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { Client } from 'minio';
import { loadConfig } from '#config';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { createObjectStore } from './create-object-store.js';
import { objectStoreContract } from './object-store.contract.js';
import type { ObjectStore } from './object-store.port.js';
import { PART_BYTES } from './s3-upload.js';
import { S3ObjectStore } from './s3.object-store.js';
import { TEST_KEYS, type TestS3Server, startS3Server } from './testing/s3-server.js';
import { type S3StoreFixture, s3StoreFixture } from './testing/s3-store-fixture.js';

let server: TestS3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server.close());

objectStoreContract('S3ObjectStore', () => s3StoreFixture(server));

function fail(response: ServerResponse, status: number): true {
  response.writeHead(status).end();
  return true;
}

/** Applies to the first so many requests that match. */
function first(
  times: number,
  matches: (request: IncomingMessage) => boolean,
  act: (request: IncomingMessage, response: ServerResponse) => boolean,
): TestS3Server['intercept'] {
  let left = times;
  return (request, response) => matches(request) && left-- > 0 && act(request, response);
}

const always = () => true;
const isGet = (request: IncomingMessage) => request.method === 'GET';

async function* brokenAfter(bytes: number): AsyncGenerator<Buffer> {
  yield Buffer.alloc(bytes);
  await Promise.resolve();
  throw new Error('the client went away');
}

describe('S3ObjectStore on a server', () => {
  let fixture: S3StoreFixture;

  beforeEach(async () => {
    fixture = await s3StoreFixture(server);
  });

  afterEach(async () => {
    server.intercept = () => false;
    await fixture.dispose();
  });

  describe('uploads', () => {
    it('puts what is larger than a part together from parts', async () => {
      const store = fixture.open();
      const content = randomBytes(2 * PART_BYTES + 5);
      expect(await store.put('large', Readable.from([content]))).toBe(content.length);
      expect(Buffer.compare(await buffer(await store.get('large')), content)).toBe(0);
      expect(server.requests.filter((line) => line.includes(`/${fixture.bucket}/large?uploadId=`))).toHaveLength(4);
    });

    it('leaves no part behind when the source fails or the signal aborts', async () => {
      const store = fixture.open();
      await expect(store.put('large', Readable.from(brokenAfter(PART_BYTES + 1)))).rejects.toThrow('went away');
      expect(await server.unfinishedUploads(fixture.bucket)).toBe(0);

      const controller = new AbortController();
      server.intercept = (request) => {
        // The second part is never answered.
        if (request.url?.includes('partNumber=2') !== true) return false;
        controller.abort();
        return true;
      };
      const source = Readable.from([randomBytes(3 * PART_BYTES)]);
      const aborted = store.put('large', source, { signal: controller.signal });
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
      expect(await server.unfinishedUploads(fixture.bucket)).toBe(0);
    });

    it('clears away what a crash left, and not what somebody is at', async () => {
      await fixture.open().ping();
      const [endPoint = '', port] = server.endpoint.split(':');
      const client = new Client({ endPoint, port: Number(port), useSSL: false, ...TEST_KEYS });
      await client.initiateNewMultipartUpload(fixture.bucket, 'crashed', {});
      await server.ageUploads(fixture.bucket, 86_400_000);
      await client.initiateNewMultipartUpload(fixture.bucket, 'being-written', {});
      const store = fixture.open();
      await store.ping();
      await eventually('the sweep', async () => (await server.unfinishedUploads(fixture.bucket)) < 2);
      await expect(client.findUploadId(fixture.bucket, 'being-written')).resolves.toBeDefined();
      await server.ageUploads(fixture.bucket, 86_400_000);
      await store.clearLeftovers();
      expect(await server.unfinishedUploads(fixture.bucket)).toBe(0);
    });

    it('takes an upload for complete whose answer was lost', async () => {
      const isComplete = (request: IncomingMessage) =>
        request.method === 'POST' && request.url?.includes('uploadId') === true;
      let attempts = 0;
      server.intercept = (request, response) => {
        if (!isComplete(request)) return false;
        attempts += 1;
        if (attempts > 1) {
          response.writeHead(404).end('<Error><Code>NoSuchUpload</Code></Error>');
          return true;
        }
        response.end = () => {
          request.socket.destroy();
          return response;
        };
        return false;
      };
      const store = fixture.open();
      await store.put('large', Readable.from([Buffer.alloc(PART_BYTES + 1)]));
      expect(attempts).toBe(2);
      expect((await store.stat('large'))?.bytes).toBe(PART_BYTES + 1);
    });
  });

  describe('failures', () => {
    it('tries again when the server is busy for a moment', async () => {
      const store = fixture.open();
      server.intercept = first(2, always, (_request, response) => fail(response, 503));
      await store.put('a', Readable.from(['x']));
      server.intercept = first(1, always, (request) => Boolean(request.socket.destroy()));
      expect((await store.stat('a'))?.bytes).toBe(1);
    });

    it('gives up after three attempts', async () => {
      const store = fixture.open();
      await store.ping();
      server.requests.length = 0;
      server.intercept = (_request, response) => fail(response, 503);
      await expect(store.stat('a')).rejects.toMatchObject({
        code: 'dependency_unavailable',
        message: 'The object store answered with HTTP status 503.',
      });
      expect(server.requests).toHaveLength(3);
    });

    it('does not wait for ever for an answer, nor for the rest of one', async () => {
      const store = fixture.open({ answerMs: 100, idleMs: 100 });
      await store.put('a', Readable.from(['x']));
      server.intercept = () => true;
      const late = { code: 'dependency_unavailable', message: 'The object store did not answer in time.' };
      await expect(store.stat('a')).rejects.toMatchObject(late);
      server.intercept = (_request, response) => {
        response.writeHead(200, { 'content-length': '9' }).write('half');
        return true;
      };
      await expect(store.get('a').then(text)).rejects.toMatchObject(late);
    });

    it('bears a reader that takes longer than the server may', async () => {
      const store = fixture.open({ idleMs: 50 });
      const content = randomBytes(4_000_000);
      await store.put('a', Readable.from([content]));
      const body = await store.get('a');
      const start = performance.now();
      await eventually('several idle limits', () => performance.now() - start > 300);
      expect(Buffer.compare(await buffer(body), content)).toBe(0);
    });

    it('says that the server cannot be reached', async () => {
      const unreachable = { code: 'dependency_unavailable', message: 'The object store cannot be reached.' };
      const store = fixture.open({ endpoint: '127.0.0.1:9' });
      await expect(store.ping()).rejects.toMatchObject(unreachable);
      await expect(store.put('a', Readable.from(['x']))).rejects.toMatchObject(unreachable);
    });

    it('says that its keys are refused, without naming them', async () => {
      const store = fixture.open({ accessKey: 'somebody', secretKey: 'hush' });
      await expect(store.get('a')).rejects.toMatchObject({
        code: 'dependency_unavailable',
        message: 'The object store refuses our credentials.',
      });
    });

    it('breaks off what runs when it is closed', async () => {
      const store = fixture.open();
      await store.ping();
      server.intercept = () => true;
      const call = store.stat('a');
      await Promise.all([expect(call).rejects.toMatchObject({ code: 'dependency_unavailable' }), store.close()]);
      await expect(store.stat('a')).rejects.toMatchObject({ code: 'dependency_unavailable' });
    });
  });

  it('makes the bucket, whoever else does so at the same time', async () => {
    const stores = Array.from({ length: 8 }, () => fixture.open());
    await Promise.all(stores.map((store) => store.ping()));
    server.intercept = first(
      1,
      (request) => request.method === 'HEAD',
      (_request, response) => fail(response, 404),
    );
    await expect(fixture.open().ping()).resolves.toBeUndefined();
  });

  it('does not list what others keep in the bucket', async () => {
    const store = fixture.open();
    await store.put('ours', Readable.from(['x']));
    const [endPoint = '', port] = server.endpoint.split(':');
    const client = new Client({ endPoint, port: Number(port), useSSL: false, ...TEST_KEYS });
    await client.putObject(fixture.bucket, 'not a key', 'x');
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['ours']);
  });

  describe('local copies', () => {
    it('are for their owner only and gone once disposed of', async () => {
      const store = fixture.open();
      await store.put('a', Readable.from(['seek me']));
      const copy = await store.toLocalFile('a', new AbortController().signal);
      expect((await stat(copy.path)).mode & 0o777).toBe(0o600);
      await copy.dispose();
      expect(await readdir(fixture.scratchFolder)).toEqual([]);
    });

    it('are whole although the answer breaks off at first', async () => {
      const store = fixture.open();
      await store.put('a', Readable.from(['seek me']));
      server.intercept = first(1, isGet, (request, response) => {
        response.writeHead(200, { 'content-length': '7' }).write('seek', () => request.socket.destroy());
        return true;
      });
      const copy = await store.toLocalFile('a', new AbortController().signal);
      expect(await readFile(copy.path, 'utf8')).toBe('seek me');
      await copy.dispose();
    });

    it('leave nothing when the signal aborts', async () => {
      const store = fixture.open();
      await store.put('a', Readable.from(['seek me']));
      const controller = new AbortController();
      server.intercept = first(1, isGet, (_request, response) => {
        response.writeHead(200, { 'content-length': '7' }).write('seek', () => controller.abort());
        return true;
      });
      await expect(store.toLocalFile('a', controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
      expect(await readdir(fixture.scratchFolder)).toEqual([]);
    });
  });

  describe('links', () => {
    it('give the object as a file of that name', async () => {
      const store = fixture.open();
      await store.put('media/a.ogg', Readable.from(['listen']), { contentType: 'audio/ogg' });
      const answer = await fetch(await store.presign('media/a.ogg', 60_000, 'Sitzung März.ogg'));
      expect(await answer.text()).toBe('listen');
      expect(answer.headers.get('content-type')).toBe('audio/ogg');
      expect(answer.headers.get('content-disposition')).toContain(`filename*=UTF-8''Sitzung%20M%C3%A4rz.ogg`);
    });

    it('name the server as clients reach it', async () => {
      const store = fixture.open({ publicUrl: 'https://media.example' });
      const link = new URL(await store.presign('media/a.ogg', 3_600_000, 'a.ogg'));
      expect(link.origin + link.pathname).toBe(`https://media.example/${fixture.bucket}/media/a.ogg`);
      expect(link.searchParams.get('X-Amz-Expires')).toBe('3900');
    });

    it.each([0, 999, 7 * 86_400_000 + 1, NaN])('cannot be valid for %d ms', async (expiresInMs) => {
      const store: ObjectStore = fixture.open();
      await expect(store.presign('a', expiresInMs, 'a')).rejects.toMatchObject({ code: 'invalid_request' });
    });
  });

  it('is what the configuration asks for by naming an endpoint', async () => {
    const { accessKey, secretKey } = TEST_KEYS;
    const config = loadConfig({
      MINIO_ENDPOINT: server.endpoint,
      MINIO_ACCESS_KEY: accessKey,
      MINIO_SECRET_KEY: secretKey,
      MINIO_BUCKET_NAME: fixture.bucket,
      DATA_DIR: fixture.scratchFolder,
    });
    const store = await createObjectStore({ config, logger: createLogger('test', 'silent') });
    expect(store).toBeInstanceOf(S3ObjectStore);
    await store.ping();
    await store.close();
  });
});
