import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { clientLimits } from './client-limits.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { SUBMIT_ROUTE as route, SubmissionClient } from './testing/submission-client.js';
import { silentWav } from './testing/sounds.js';

const run = promisify(execFile);
const MAX_FILE_BYTES = 2_000_000;
const form = 'multipart/form-data; boundary=b';

describe('submitting bodies over REST', () => {
  let server: GatewayUnderTest;
  let client: SubmissionClient;
  let folder: string;
  const wav = silentWav(1);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-media-'));
    server = await startGatewayUnderTest([instanceOf('local')], { MAX_FILE_SIZE: String(MAX_FILE_BYTES) });
    client = new SubmissionClient(server);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A form that goes on for ever in the part that these lines begin. */
  function endless(
    disposition: string,
    begun: Uint8Array,
  ): { body: ReadableStream<Uint8Array>; sentBytes: () => number } {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(`--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`));
        controller.enqueue(begun);
      },
      pull(controller) {
        sent += 65_536;
        controller.enqueue(Buffer.alloc(65_536));
      },
    });
    return { body, sentBytes: () => sent };
  }

  it('refuses a body that is neither a form nor an object', async () => {
    const act = () => client.post('"http://x"', 'application/json');
    expect(await client.refused(act)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it.each([
    ['without a boundary', 'multipart/form-data', 'x'],
    ['that is cut off', form, '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'],
    ['that is noise', form, 'noise'.repeat(100)],
  ])('refuses a form %s', async (_, contentType, body) => {
    const act = () => client.post(body, contentType);
    expect(await client.refused(act)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it('refuses a file over the limit by its announced length', async () => {
    const large = Buffer.concat([wav, Buffer.alloc(4_000_000)]);
    expect(await client.refused(() => client.submit([['file', large]]))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
  });

  it('refuses a file just over the limit, whose length alone would pass', async () => {
    const large = Buffer.concat([wav, Buffer.alloc(MAX_FILE_BYTES)]);
    expect(await client.refused(() => client.submit([['file', large]]))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
  });

  it('refuses a file over the limit that does not tell its length, while it is still sent', async () => {
    const { body, sentBytes } = endless('name="file"; filename="a.wav"', wav);
    expect(await client.refused(() => client.post(body, form))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
    expect(sentBytes()).toBeGreaterThan(MAX_FILE_BYTES);
  });

  it('gives curl its answer while it is still sending', async () => {
    const before = (await server.storedFiles()).length;
    const { stdout } = await run('sh', [
      '-c',
      `(cat "$1"; head -c 60000000 /dev/zero) | curl -sS -H 'Expect:' -H 'Transfer-Encoding: chunked' -F 'file=@-;filename=a.wav' -w '%{http_code}' "$2"`,
      'sh',
      await wavFile(),
      server.url + route,
    ]);
    expect(stdout).toMatch(/"code":"payload_too_large".*413$/);
    expect((await server.storedFiles()).length).toBe(before);
  });

  it('refuses before the body is sent when the client asks first', async () => {
    const head = `POST ${route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n`;
    expect(await exchange(head)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('leaves nothing of an upload that the client breaks off', async () => {
    const before = [await server.countRows(), (await server.storedFiles()).length];
    const controller = new AbortController();
    let started: () => void = () => undefined;
    const underWay = new Promise<void>((resolve) => (started = resolve));
    const body = new ReadableStream<Uint8Array>({
      async pull(stream) {
        const head = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n');
        stream.enqueue(Buffer.concat([head, wav, Buffer.alloc(500_000)]));
        started();
        await new Promise(() => undefined);
      },
    });
    const upload = client.post(body, form, controller.signal);
    await underWay;
    await eventually('the upload to arrive', async () => (await server.storedFiles()).length > (before[1] ?? 0));
    controller.abort();
    await expect(upload).rejects.toThrow();
    await eventually('the file to be gone', async () => (await server.storedFiles()).length === before[1]);
    expect(await server.countRows()).toBe(before[0]);
  });

  it.each([
    ['a line break in the name of its file', `name="file"; filename*=UTF-8''a%0D%0Ab.wav`],
    ['no name', 'charset=utf-8'],
    ['a text without an end', 'name="title"'],
  ])('refuses a part with %s while it is still sent', async (_, disposition) => {
    const { body } = endless(disposition, wav);
    const refusal = await client.refused(() => client.post(body, form));
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it.each([20_000, 100_000, 400_000])(
    'refuses a part of %d bytes that cannot be read, though the body has come whole, before its time is up',
    async (bytes) => {
      const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a\rb.wav"\r\n\r\n';
      const refusal = await client.refused(() => client.post(`${head}${'x'.repeat(bytes)}\r\n--b--\r\n`, form));
      expect(refusal).toMatchObject({ status: 400, code: 'invalid_request' });
    },
    clientLimits.aroundFileMs / 2,
  );

  async function wavFile(): Promise<string> {
    const path = join(folder, 'one.wav');
    await writeFile(path, wav);
    return path;
  }

  /** Sends bytes as they are and gives back all that comes until the server closes. */
  function exchange(text: string): Promise<string> {
    const { hostname, port } = new URL(server.url);
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(Number(port), hostname, () => socket.write(text));
      socket.on('data', (chunk: Buffer) => {
        answer += chunk.toString();
        if (answer.includes('\r\n\r\n')) socket.end();
      });
      socket.on('close', () => resolve(answer)).on('error', reject);
    });
  }
});
