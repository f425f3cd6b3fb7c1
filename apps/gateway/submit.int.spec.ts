import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { silentWav } from './testing/sounds.js';

const run = promisify(execFile);
const route = '/api/transcribe/jobs/transcribe';
const MAX_FILE_BYTES = 2_000_000;

describe('submitting over REST', () => {
  let server: GatewayUnderTest;
  let folder: string;
  const wav = silentWav(1);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-media-'));
    server = await startGatewayUnderTest([instanceOf('local')], { MAX_FILE_SIZE: String(MAX_FILE_BYTES) });
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function formOf(parts: readonly (readonly [string, string | Buffer, string?])[]): FormData {
    const form = new FormData();
    for (const [name, value, filename] of parts) {
      if (typeof value === 'string') form.append(name, value);
      else form.append(name, new Blob([new Uint8Array(value)]), filename ?? 'talk.wav');
    }
    return form;
  }

  function submit(parts: readonly (readonly [string, string | Buffer, string?])[], path = route): Promise<Response> {
    return fetch(server.url + path, { method: 'POST', body: formOf(parts) });
  }

  async function refusalOf(response: Response): Promise<{ status: number; code: string; pointers: string[] }> {
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const problem = problemSchema.parse(await response.json());
    expect(problem.request_id).toBe(response.headers.get('x-request-id'));
    expect(problem.status).toBe(response.status);
    return {
      status: response.status,
      code: problem.code,
      pointers: (problem.errors ?? []).map(({ pointer }) => pointer),
    };
  }

  /** Runs something that must be refused and looks for what it left. */
  async function refused(act: () => Promise<Response>): Promise<{ status: number; code: string; pointers: string[] }> {
    const before = [await server.countRows(), (await server.storedFiles()).length];
    const refusal = await refusalOf(await act());
    expect([await server.countRows(), (await server.storedFiles()).length]).toEqual(before);
    return refusal;
  }

  async function makeMedia(name: string, ...args: string[]): Promise<Buffer> {
    const path = join(folder, name);
    await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args, path]);
    return readFile(path);
  }

  it('accepts a file with options on either side and keeps what the client said', async () => {
    const metadata = { visit: 7, __proto__x: [null], nested: { a: 'ä' } };
    const response = await submit([
      ['language', 'EN-us'],
      ['file', wav, 'Gespräch Ärztin 日本.wav'],
      ['priority', '7'],
      ['tags', '["a", "b,c"]'],
      ['metadata', JSON.stringify(metadata)],
      ['word_timestamps', '0'],
      ['title', ''],
    ]);
    expect(response.status).toBe(202);
    const accepted = acceptedSchema.parse(await response.json());
    expect(accepted).toMatchObject({ engine: 'auto', status: 'queued' });
    const job = await server.jobs.find(accepted.job_id);
    expect(job?.options).toMatchObject({ language: 'en-US', priority: 7, tags: ['a', 'b,c'], metadata });
    expect(job?.options).not.toHaveProperty('title');
    expect(job?.media).toMatchObject({
      filename: 'Gespräch Ärztin 日本.wav',
      bytes: wav.length,
      sha256: createHash('sha256').update(wav).digest('hex'),
      mediaType: 'audio/wav',
    });
    expect(await server.objects.stat(job?.media?.key ?? '')).toMatchObject({ bytes: wav.length });
    expect(await server.queue.has(accepted.job_id)).toBe(true);
    expect(await server.events.history(accepted.job_id, 0, 10)).toMatchObject([
      { seq: 1, type: 'status', data: { status: 'queued', progress: 0 } },
    ]);
  });

  it('keeps a metadata key that is a prototype name elsewhere', async () => {
    const response = await submit([
      ['file', wav],
      ['metadata', '{"__proto__":{"polluted":1},"constructor":2}'],
    ]);
    const { job_id: jobId } = acceptedSchema.parse(await response.json());
    const metadata = (await server.jobs.find(jobId))?.options.metadata ?? {};
    expect(Object.keys(metadata).sort()).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('strips folders and control characters from the file name', async () => {
    const response = await submit([['file', wav, '../../etc/pass\u202ewd\u0007.wav']]);
    const { job_id: jobId } = acceptedSchema.parse(await response.json());
    expect((await server.jobs.find(jobId))?.filename).toBe('passwd.wav');
  });

  it('accepts a video with sound', async () => {
    const sound = ['-f', 'lavfi', '-i', 'sine=duration=1', '-f', 'lavfi', '-i', 'color=size=16x16:duration=1'];
    const video = await makeMedia('with-sound.mp4', ...sound, '-shortest');
    expect((await submit([['file', video, 'clip.mp4']])).status).toBe(202);
  });

  it.each([
    ['no file', [['language', 'en']], 'invalid_request', ['/file']],
    ['a text where the file belongs', [['file', 'hello']], 'invalid_request', ['/file']],
    [
      'two files',
      [
        ['file', wav],
        ['file', wav],
      ],
      'invalid_request',
      ['/file'],
    ],
    ['a file in another field', [['audio', wav]], 'invalid_request', ['/audio']],
    ['an empty file', [['file', Buffer.alloc(0)]], 'unsupported_media', []],
    ['a header without sound', [['file', silentWav(1).subarray(0, 44)]], 'unsupported_media', []],
    [
      'text with the name of a sound',
      [['file', Buffer.from('not audio '.repeat(50)), 'a.mp3']],
      'unsupported_media',
      [],
    ],
    [
      'an unknown field before the file',
      [
        ['speed', '2'],
        ['file', wav],
      ],
      'invalid_request',
      ['/speed'],
    ],
    [
      'an unknown field after the file',
      [
        ['file', wav],
        ['speed', 'http://x'],
      ],
      'invalid_request',
      ['/speed'],
    ],
    [
      'an unknown engine',
      [
        ['engine', 'dragon'],
        ['file', wav],
      ],
      'unknown_engine',
      ['/engine'],
    ],
    [
      'an unknown engine after the file',
      [
        ['file', wav],
        ['engine', 'dragon'],
      ],
      'unknown_engine',
      ['/engine'],
    ],
    [
      'a language that no engine has',
      [
        ['language', 'de'],
        ['file', wav],
      ],
      'unsupported_language',
      ['/language'],
    ],
    [
      'a word that is no language',
      [
        ['language', 'english!'],
        ['file', wav],
      ],
      'invalid_request',
      ['/language'],
    ],
    [
      'a feature that no engine has',
      [
        ['word_timestamps', 'true'],
        ['file', wav],
      ],
      'unsupported_feature',
      ['/word_timestamps'],
    ],
    [
      'a field given twice',
      [
        ['title', 'a'],
        ['title', 'b'],
        ['file', wav],
      ],
      'invalid_request',
      ['/title'],
    ],
    [
      'several faults at once',
      [
        ['priority', '10'],
        ['task', 'sing'],
        ['file', wav],
      ],
      'invalid_request',
      ['/task', '/priority'],
    ],
    [
      'more least than most speakers',
      [
        ['min_speakers', '3'],
        ['max_speakers', '2'],
        ['file', wav],
      ],
      'invalid_request',
      ['/min_speakers'],
    ],
    [
      'metadata that is no object',
      [
        ['metadata', '[1]'],
        ['file', wav],
      ],
      'invalid_request',
      ['/metadata'],
    ],
    [
      'a NUL in a text',
      [
        ['title', 'a\0b'],
        ['file', wav],
      ],
      'invalid_request',
      ['/title'],
    ],
    [
      'a prototype name as a field',
      [
        ['__proto__', 'x'],
        ['file', wav],
      ],
      'invalid_request',
      [],
    ],
  ] as const)('refuses %s and leaves nothing', async (_, parts, code, pointers) => {
    expect(await refused(() => submit(parts))).toMatchObject({ code, pointers });
  });

  it('refuses an engine field that contradicts the route', async () => {
    const act = () =>
      submit(
        [
          ['engine', 'local'],
          ['file', wav],
        ],
        `${route}/whisperx`,
      );
    expect(await refused(act)).toMatchObject({ code: 'invalid_request', pointers: ['/engine'] });
  });

  it('refuses a named engine of which no instance runs', async () => {
    expect(await refused(() => submit([['file', wav]], `${route}/asr`))).toMatchObject({
      status: 503,
      code: 'no_engine',
    });
  });

  it('lets another engine stand in where the request allows it', async () => {
    const response = await submit(
      [
        ['file', wav],
        ['allow_fallback', 'true'],
      ],
      `${route}/asr`,
    );
    expect(response.status).toBe(202);
  });

  it('refuses a truncated MP4', async () => {
    const whole = await makeMedia('whole.mp4', '-f', 'lavfi', '-i', 'sine=duration=2');
    const cut = whole.subarray(0, Math.floor(whole.length / 2));
    expect(await refused(() => submit([['file', cut, 'a.mp4']]))).toMatchObject({
      status: 415,
      code: 'unsupported_media',
    });
  });

  it('refuses a video without sound', async () => {
    const silent = await makeMedia('silent.mp4', '-f', 'lavfi', '-i', 'color=size=16x16:duration=1');
    expect(await refused(() => submit([['file', silent, 'a.mp4']]))).toMatchObject({ code: 'unsupported_media' });
  });

  it('refuses a body that is neither a form nor an object', async () => {
    const act = () =>
      fetch(server.url + route, {
        method: 'POST',
        body: '"http://x"',
        headers: { 'content-type': 'application/json' },
      });
    expect(await refused(act)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it.each([
    ['without a boundary', 'multipart/form-data', 'x'],
    [
      'that is cut off',
      'multipart/form-data; boundary=b',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF',
    ],
    ['that is noise', 'multipart/form-data; boundary=b', 'noise'.repeat(100)],
  ])('refuses a form %s', async (_, contentType, body) => {
    const act = () => fetch(server.url + route, { method: 'POST', body, headers: { 'content-type': contentType } });
    expect(await refused(act)).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it('refuses a file over the limit by its announced length', async () => {
    const large = Buffer.concat([wav, Buffer.alloc(4_000_000)]);
    expect(await refused(() => submit([['file', large]]))).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it('refuses a file just over the limit, whose length alone would pass', async () => {
    const large = Buffer.concat([wav, Buffer.alloc(MAX_FILE_BYTES)]);
    expect(await refused(() => submit([['file', large]]))).toMatchObject({ status: 413, code: 'payload_too_large' });
  });

  it('refuses a file over the limit that does not tell its length, while it is still sent', async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'));
        controller.enqueue(wav);
      },
      pull(controller) {
        sent += 65_536;
        controller.enqueue(Buffer.alloc(65_536));
      },
    });
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const act = () => fetch(server.url + route, { method: 'POST', body: endless, headers, duplex: 'half' });
    expect(await refused(act)).toMatchObject({ status: 413, code: 'payload_too_large' });
    expect(sent).toBeGreaterThan(MAX_FILE_BYTES);
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
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const { signal } = controller;
    const upload = fetch(server.url + route, { method: 'POST', body, headers, signal, duplex: 'half' });
    await underWay;
    await eventually('the upload to arrive', async () => (await server.storedFiles()).length > (before[1] ?? 0));
    controller.abort();
    await expect(upload).rejects.toThrow();
    await eventually('the file to be gone', async () => (await server.storedFiles()).length === before[1]);
    expect(await server.countRows()).toBe(before[0]);
  });

  async function wavFile(): Promise<string> {
    await makeMedia('one.wav', '-f', 'lavfi', '-i', 'sine=duration=1');
    return join(folder, 'one.wav');
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
