import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { SUBMIT_ROUTE as route, SubmissionClient } from './testing/submission-client.js';
import { silentWav } from './testing/sounds.js';

const run = promisify(execFile);

describe('submitting over REST', () => {
  let server: GatewayUnderTest;
  let client: SubmissionClient;
  let folder: string;
  const wav = silentWav(1);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-media-'));
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new SubmissionClient(server);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function makeMedia(name: string, ...args: string[]): Promise<Buffer> {
    const path = join(folder, name);
    await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args, path]);
    return readFile(path);
  }

  it('accepts a file with options on either side and keeps what the client said', async () => {
    const metadata = { visit: 7, __proto__x: [null], nested: { a: 'ä' } };
    const response = await client.submit([
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
    await eventually('its ticket', async () => server.queue.has(accepted.job_id));
    expect(await server.events.history(accepted.job_id, 0, 10)).toMatchObject([
      { seq: 1, type: 'status', data: { status: 'queued', progress: 0 } },
    ]);
  });

  it('keeps a metadata key that is a prototype name elsewhere', async () => {
    const response = await client.submit([
      ['file', wav],
      ['metadata', '{"__proto__":{"polluted":1},"constructor":2}'],
    ]);
    const { job_id: jobId } = acceptedSchema.parse(await response.json());
    const metadata = (await server.jobs.find(jobId))?.options.metadata ?? {};
    expect(Object.keys(metadata).sort()).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('strips folders and control characters from the file name', async () => {
    const response = await client.submit([['file', wav, '../../etc/pass\u202ewd\u0007.wav']]);
    const { job_id: jobId } = acceptedSchema.parse(await response.json());
    expect((await server.jobs.find(jobId))?.filename).toBe('passwd.wav');
  });

  it('accepts a video with sound', async () => {
    const sound = ['-f', 'lavfi', '-i', 'sine=duration=1', '-f', 'lavfi', '-i', 'color=size=16x16:duration=1'];
    const video = await makeMedia('with-sound.mp4', ...sound, '-shortest');
    expect((await client.submit([['file', video, 'clip.mp4']])).status).toBe(202);
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
    expect(await client.refused(() => client.submit(parts))).toMatchObject({ code, pointers });
  });

  it('refuses an engine field that contradicts the route', async () => {
    const act = () =>
      client.submit(
        [
          ['engine', 'local'],
          ['file', wav],
        ],
        `${route}/whisperx`,
      );
    expect(await client.refused(act)).toMatchObject({ code: 'invalid_request', pointers: ['/engine'] });
  });

  it('refuses a named engine of which no instance runs', async () => {
    expect(await client.refused(() => client.submit([['file', wav]], `${route}/asr`))).toMatchObject({
      status: 503,
      code: 'no_engine',
    });
  });

  it('lets another engine stand in where the request allows it', async () => {
    const response = await client.submit(
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
    expect(await client.refused(() => client.submit([['file', cut, 'a.mp4']]))).toMatchObject({
      status: 415,
      code: 'unsupported_media',
    });
  });

  it('refuses a video without sound', async () => {
    const silent = await makeMedia('silent.mp4', '-f', 'lavfi', '-i', 'color=size=16x16:duration=1');
    expect(await client.refused(() => client.submit([['file', silent, 'a.mp4']]))).toMatchObject({
      code: 'unsupported_media',
    });
  });
});
