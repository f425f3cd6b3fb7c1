import { readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { PolyscribeError, pcmBytesToMs } from '#contracts';
import { decodePcm, type DecodeOptions } from './decode.js';
import { loudness, MediaFolder } from './testing.js';

const media = new MediaFolder();
afterAll(() => media.dispose());

const settings = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', timeoutMs: 20_000 };

function optionsWith(changes: Partial<DecodeOptions> = {}): DecodeOptions {
  return { settings, signal: new AbortController().signal, ...changes };
}

async function decodeAll(path: string, changes: Partial<DecodeOptions> = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decodePcm(path, optionsWith(changes))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function failure(work: Promise<unknown>): Promise<PolyscribeError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof PolyscribeError) return thrown;
  throw new Error(`Expected a PolyscribeError, got ${String(thrown)}`);
}

/** How much of it is not silent. */
function soundMs(pcm: Buffer): number {
  const frames = Array.from({ length: Math.floor(pcmBytesToMs(pcm.length) / 20) }, (_, frame) => frame * 20);
  return 20 * frames.filter((startMs) => loudness(pcm, startMs, startMs + 20) > 0.01).length;
}

function tone(seconds: number): string[] {
  return ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}:sample_rate=48000`];
}

describe('decodePcm', () => {
  it.each([
    ['8 kHz telephone wave', 'phone.wav', ['-ar', '8000', '-c:a', 'pcm_mulaw']],
    ['24-bit stereo wave', 'studio.wav', ['-ar', '96000', '-ac', '2', '-c:a', 'pcm_s24le']],
    ['mp3', 'a.mp3', []],
    ['m4a', 'a.m4a', []],
    ['ogg opus', 'a.opus', ['-c:a', 'libopus']],
    ['webm', 'a.webm', ['-c:a', 'libopus']],
    ['flac', 'a.flac', []],
    ['wma', 'a.wma', []],
    ['aac in a transport stream', 'a.ts', ['-c:a', 'aac']],
  ])('gives 16 kHz mono of %s', async (_title, name, coding) => {
    const pcm = await decodeAll(media.make(name, ...tone(2), ...coding));
    expect(Math.abs(pcmBytesToMs(pcm.length) - 2000)).toBeLessThan(100);
    expect(loudness(pcm, 500, 1500)).toBeCloseTo(0.0884, 1);
  });

  it('keeps channels apart when asked and mixes them otherwise', async () => {
    const split = ['-filter_complex', '[0][1]amerge=inputs=2'];
    const path = media.make('call.wav', ...tone(1), '-f', 'lavfi', '-i', 'anullsrc=r=48000:cl=mono:d=1', ...split);
    const [left, right, mixed] = await Promise.all([
      decodeAll(path, { channel: 0 }),
      decodeAll(path, { channel: 1 }),
      decodeAll(path),
    ]);
    expect(loudness(right)).toBeLessThan(0.001);
    expect(loudness(mixed) / loudness(left)).toBeCloseTo(0.5, 1);
  });

  it('ignores cover art', async () => {
    const cover = ['-f', 'lavfi', '-i', 'color=red:size=64x64:duration=0.04', '-c:v', 'mjpeg', '-frames:v', '1'];
    const path = media.make(
      'cover.mp3',
      ...tone(1),
      ...cover,
      '-map',
      '0',
      '-map',
      '1',
      '-disposition:v',
      'attached_pic',
    );
    expect(pcmBytesToMs((await decodeAll(path)).length)).toBeGreaterThan(900);
  });

  it.each(['-i.wav', `it's "quoted"\nand %d.wav`, 'concat:a|b.wav', '-version', 'größe 录音.wav'])(
    'takes a file named %j for a file',
    async (name) => {
      const path = media.write(name, readFileSync(media.make('plain.wav', ...tone(1))));
      expect(pcmBytesToMs((await decodeAll(relative(process.cwd(), path))).length)).toBe(1000);
    },
  );
});

describe('decodePcm and the clock of a file', () => {
  const picture = ['-f', 'lavfi', '-i', 'color=size=64x64:rate=10:duration=4'];

  it.each(['late.mp4', 'late.mkv'])('begins with silence where the sound begins after the video (%s)', async (name) => {
    const pcm = await decodeAll(media.make(name, ...picture, '-itsoffset', '2', ...tone(2), '-t', '4'));
    expect(Math.abs(pcmBytesToMs(pcm.length) - 4000)).toBeLessThan(150);
    expect(loudness(pcm, 0, 1900)).toBeLessThan(0.005);
    expect(loudness(pcm, 2100, 3900)).toBeGreaterThan(0.05);
  });

  it('puts silence where a recorder left a pause out', async () => {
    const path = media.make('gap.webm', ...tone(5), '-af', "aselect='not(between(t,1,3))'", '-c:a', 'libopus');
    const pcm = await decodeAll(path);
    expect(Math.abs(pcmBytesToMs(pcm.length) - 5000)).toBeLessThan(150);
    expect(loudness(pcm, 1300, 2700)).toBeLessThan(0.005);
  });

  it.each(['ogg', 'webm'])('loses nothing of files joined end to end (%s)', async (extension) => {
    const parts = ['one', 'two'].map((name) => media.make(`${name}.${extension}`, ...tone(3), '-c:a', 'libopus'));
    const joined = media.write(`joined.${extension}`, Buffer.concat(parts.map((path) => readFileSync(path))));
    expect(Math.abs(pcmBytesToMs((await decodeAll(joined)).length) - 6000)).toBeLessThan(150);
  });

  it('loses and adds nothing where channels and sampling rate change in the middle', async () => {
    const parts = [
      media.make('first.mp3', ...tone(3.5), '-ac', '2', '-ar', '44100'),
      media.make('then.mp3', ...tone(3.5), '-ac', '1', '-ar', '22050'),
    ];
    const pcm = await decodeAll(media.write('changing.mp3', Buffer.concat(parts.map((path) => readFileSync(path)))));
    expect(soundMs(pcm)).toBeGreaterThan(6_800);
    expect(pcmBytesToMs(pcm.length)).toBeLessThan(7_300);
  });
});

describe('decodePcm and bad files', () => {
  const bad: Record<string, () => string> = {
    'an empty file': () => media.write('empty.wav', ''),
    'an empty audio track': () => media.make('zero.wav', '-f', 'lavfi', '-i', 'anullsrc=r=16000', '-t', '0'),
    'text named mp3': () => media.write('text.mp3', 'Dear sir or madam, this is no sound. '.repeat(200)),
    'a video without sound': () => media.make('mute.mp4', '-f', 'lavfi', '-i', 'testsrc=duration=1:size=64x64'),
    'an mp4 without its end': () => {
      const whole = readFileSync(media.make('whole.mp4', ...tone(5)));
      return media.write('cut.mp4', whole.subarray(0, whole.length / 2));
    },
    'bytes without sense': () => media.write('random.mp3', pseudoRandomBytes(100_000)),
  };

  it.each([
    ['an empty file', /is empty/],
    ['an empty audio track', /track is empty/],
    ['text named mp3', /damaged, or not audio/],
    ['a video without sound', /no audio track/],
    ['an mp4 without its end', /damaged: its end/],
    ['bytes without sense', /damaged, or not audio/],
  ])('refuses %s and says what is wrong', async (title, message) => {
    const path = bad[title]?.() ?? '';
    const error = await failure(decodeAll(path));
    expect([error.code, error.message]).toEqual(['unsupported_media', expect.stringMatching(message)]);
    expect(error.message).not.toContain(media.path);
  });

  it.each([
    [
      'HLS',
      'list.mp4',
      (target: string) => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${target}\n#EXT-X-ENDLIST\n`,
    ],
    ['concat', 'list.mp3', (target: string) => `ffconcat version 1.0\nfile '${target}'\n`],
    [
      'session description',
      'list.wav',
      (target: string) => `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=${target}\nm=audio 9 RTP/AVP 0\n`,
    ],
  ])('follows no %s playlist, whatever it is named', async (_kind, name, playlist) => {
    const secret = media.make('secret.ts', ...tone(1), '-c:a', 'aac');
    const error = await failure(decodeAll(media.write(name, playlist(secret))));
    expect(error.code).toBe('unsupported_media');
  });

  it('gives what is left of a damaged file, with a warning', async () => {
    const whole = readFileSync(media.make('whole.flac', ...tone(5)));
    const warnings: string[] = [];
    const path = media.write('cut.flac', whole.subarray(0, whole.length / 2));
    const pcm = await decodeAll(path, { onWarning: ({ code }) => warnings.push(code) });
    expect(pcmBytesToMs(pcm.length)).toBeGreaterThan(1000);
    expect(warnings).toEqual(['damaged_media']);
  });

  it('warns of nothing where the file is whole', async () => {
    const warnings: string[] = [];
    await decodeAll(media.make('fine.mp4', '-f', 'lavfi', '-i', 'testsrc=duration=1', ...tone(1)), {
      onWarning: ({ code }) => warnings.push(code),
    });
    expect(warnings).toEqual([]);
  });

  it('says not_found for a file that is gone', async () => {
    expect((await failure(decodeAll(`${media.path}/gone.wav`))).code).toBe('not_found');
  });
});

describe('decodePcm and its child process', () => {
  const wave = media.make('some.wav', ...tone(1));

  function fake(name: string, body: string, timeoutMs = 20_000): Partial<DecodeOptions> {
    return { settings: { ...settings, ffmpegPath: media.script(name, body), timeoutMs } };
  }

  /** The process that said its number in its first output. */
  async function firstNumber(chunks: AsyncGenerator<Buffer>): Promise<number> {
    const first = await chunks.next();
    return Number(first.done === true ? NaN : first.value.toString().trim());
  }

  it.each([
    ['not on the path', 'no-such-program'],
    ['not where it was said to be', '/no/such/program'],
    ['not a program', media.write('not-executable', '')],
  ])('says that ffmpeg is missing when it is %s', async (_title, ffmpegPath) => {
    const error = await failure(decodeAll(wave, { settings: { ...settings, ffmpegPath } }));
    expect([error.code, error.message]).toEqual(['dependency_unavailable', expect.stringContaining('FFMPEG_PATH')]);
  });

  it('starts nothing when it is aborted before', async () => {
    const signal = AbortSignal.abort();
    expect((await failure(decodeAll(wave, { signal, ...fake('never', 'echo ran') }))).code).toBe('cancelled');
  });

  it('ends the process and says cancelled when it is aborted', async () => {
    const abort = new AbortController();
    const options = optionsWith({ ...fake('sleeper', 'echo $$; exec sleep 600'), signal: abort.signal });
    const chunks = decodePcm(wave, options);
    const pid = await firstNumber(chunks);
    const next = failure(chunks.next());
    abort.abort();
    expect((await next).code).toBe('cancelled');
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it('throws what it was aborted with where that is one of our errors', async () => {
    const reason = new PolyscribeError('engine_timeout', 'Took too long.');
    expect(await failure(decodeAll(wave, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('ends the process and its children when the caller stops early', async () => {
    const chunks = decodePcm(wave, optionsWith(fake('parent', 'sleep 600 & echo $!; wait')));
    const child = await firstNumber(chunks);
    await chunks.return();
    // The orphan is for init to reap: a zombie may be seen for a moment.
    await expect(endedWithin(5_000, child)).resolves.toBe(true);
  });

  it('gives up on a process that gives nothing while it is waited for', async () => {
    const error = await failure(decodeAll(wave, fake('staller', 'exec sleep 600', 200)));
    expect([error.code, error.message]).toEqual(['media_timeout', expect.stringMatching(/within 0\.2 s/)]);
  });

  it('ends a process that uses more than its processor time', async () => {
    const error = await failure(decodeAll(wave, fake('burner', 'while :; do echo burning; done', 1000)));
    expect([error.code, error.message]).toEqual(['media_timeout', expect.stringMatching(/within 1 s/)]);
  });

  it('holds the process back while nobody pulls', async () => {
    const chunks = decodePcm(wave, optionsWith(fake('flood', 'exec cat /dev/zero')));
    await chunks.next();
    const before = process.memoryUsage().arrayBuffers;
    for (let turn = 0; turn < 500; turn++) await nextTurn();
    const grown = process.memoryUsage().arrayBuffers - before;
    await chunks.return();
    expect(grown).toBeLessThan(4 * 1024 * 1024);
  });

  it('keeps little of what the process complains, however much it is', async () => {
    const body = 'while [ $((i += 1)) -lt 20000 ]; do echo "complaint number $i" >&2; done; exit 1';
    const error = await failure(decodeAll(wave, fake('complainer', body)));
    const cause = (error.cause as Error).message;
    expect(cause.length).toBeLessThan(10_000);
    expect(cause).toMatch(/complaint number 1\n[^]*left out[^]*complaint number 19999/);
  });

  it('gives the process no environment but the path', async () => {
    process.env['POLYSCRIBE_TEST_SECRET'] = 'hush';
    const output = await decodeAll(wave, fake('teller', 'exec env')).finally(() => {
      delete process.env['POLYSCRIBE_TEST_SECRET'];
    });
    expect(output.toString()).toContain('PATH=');
    expect(output.toString()).not.toContain('hush');
  });

  it('lets the process write no file', async () => {
    const target = media.write('target', '');
    await failure(decodeAll(wave, fake('writer', `trap '' XFSZ; echo text >> ${target}; exit 1`)));
    expect(statSync(target).size).toBe(0);
  });
});

async function endedWithin(ms: number, pid: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    if (/^State:\s+Z/m.test(statusOf(pid))) return true;
    await nextTurn();
  }
  return false;
}

/** What Linux says about a process; empty elsewhere and when it is gone. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

/** A fixed sequence (Lehmer's generator), so that every run sees the same bytes. */
function pseudoRandomBytes(length: number): Buffer {
  let state = 1;
  return Buffer.from(Array.from({ length }, () => ((state = (state * 48_271) % 2_147_483_647) >> 8) & 0xff));
}
