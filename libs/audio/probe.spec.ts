import { readFileSync } from 'node:fs';
import { PolyscribeError } from '#contracts';
import { probeMedia } from './probe.js';
import { MediaFolder } from './testing.js';

const media = new MediaFolder();
afterAll(() => media.dispose());

const settings = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', timeoutMs: 20_000 };
const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=2:sample_rate=44100'];
const picture = ['-f', 'lavfi', '-i', 'testsrc=duration=2:size=128x96:rate=25'];

function probe(path: string, changes: Partial<typeof settings> = {}, signal = new AbortController().signal) {
  return probeMedia(path, { ...settings, ...changes }, signal);
}

async function failure(work: Promise<unknown>): Promise<Pick<PolyscribeError, 'code' | 'message'>> {
  const thrown: unknown = await work.catch((error: unknown) => error);
  if (thrown instanceof PolyscribeError) return { code: thrown.code, message: thrown.message };
  throw new Error(`Expected a PolyscribeError, got ${String(thrown)}`);
}

describe('probeMedia', () => {
  it('tells the audio of a file', async () => {
    const info = await probe(media.make('a.wav', ...tone, '-ac', '2'));
    expect(info).toEqual({
      container: 'wav',
      durationMs: 2000,
      bitRate: expect.any(Number) as number,
      audio: { codec: 'pcm_s16le', sampleRateHz: 44_100, channels: 2 },
    });
  });

  it('tells the video and when it was recorded', async () => {
    const recorded = ['-metadata', 'creation_time=2024-05-06T07:08:09Z', '-c:v', 'mpeg4'];
    const info = await probe(media.make('a.mp4', ...picture, ...tone, ...recorded));
    expect(info.video).toEqual({ codec: 'mpeg4', width: 128, height: 96, frameRate: 25 });
    expect(info.audio).toEqual({ codec: 'aac', sampleRateHz: 44_100, channels: 1 });
    expect(info.createdAt).toEqual(new Date('2024-05-06T07:08:09Z'));
    expect(Math.abs((info.durationMs ?? 0) - 2000)).toBeLessThan(100);
  });

  it('takes cover art for no video', async () => {
    const cover = ['-map', '0', '-map', '1', '-c:v', 'mjpeg', '-frames:v', '1', '-disposition:v', 'attached_pic'];
    const info = await probe(media.make('cover.mp3', ...tone, ...picture, ...cover));
    expect([info.container, info.video]).toEqual(['mp3', undefined]);
  });

  it('leaves the duration out where the file does not say', async () => {
    const webm = readFileSync(media.make('live.webm', ...tone, '-c:a', 'libopus', '-live', '1'));
    const info = await probe(media.write('stream.webm', webm));
    expect([info.audio.codec, info.durationMs]).toEqual(['opus', undefined]);
  });

  it('describes the first audio track of several', async () => {
    const tracks = ['-map', '0', '-map', '0', '-ac:a:0', '1', '-ac:a:1', '2'];
    const info = await probe(media.make('two.mka', ...tone, '-c:a', 'flac', ...tracks));
    expect(info.audio.channels).toBe(1);
  });

  const bad: Record<string, () => string> = {
    'an empty file': () => media.write('empty.mp3', ''),
    'a video without sound': () => media.make('mute.mp4', ...picture),
    'an mp4 without its end': () => {
      const whole = readFileSync(media.make('whole.mp4', ...tone));
      return media.write('cut.mp4', whole.subarray(0, whole.length / 2));
    },
    text: () => media.write('text.mp3', 'Dear sir or madam, this is no sound. '.repeat(200)),
    'a playlist': () =>
      media.write('list.mp4', `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${media.path}/a.wav\n#EXT-X-ENDLIST\n`),
    'a picture': () => media.make('picture.png', ...picture, '-frames:v', '1'),
  };

  it.each([
    ['an empty file', /is empty/],
    ['a video without sound', /video has no audio track/],
    ['an mp4 without its end', /damaged: its end/],
    ['text', /damaged, or not audio/],
    ['a playlist', /not audio or video of a supported kind/],
    ['a picture', /not audio or video of a supported kind/],
  ])('refuses %s and says what is wrong', async (title, message) => {
    const error = await failure(probe(bad[title]?.() ?? ''));
    expect(error).toEqual({ code: 'unsupported_media', message: expect.stringMatching(message) as string });
    expect(error.message).not.toContain(media.path);
  });

  it('says that ffprobe is missing', async () => {
    const error = await failure(probe(media.make('some.wav', ...tone), { ffprobePath: 'no-such-program' }));
    expect(error).toEqual({
      code: 'dependency_unavailable',
      message: expect.stringContaining('FFPROBE_PATH') as string,
    });
  });

  it('gives up when the answer takes too long', async () => {
    const ffprobePath = media.script('staller', 'exec sleep 600');
    const error = await failure(probe(media.make('some.wav', ...tone), { ffprobePath, timeoutMs: 200 }));
    expect(error).toEqual({ code: 'media_timeout', message: expect.stringMatching(/within 0\.2 s/) as string });
  });

  it('gives up when the answer takes too much room', async () => {
    const ffprobePath = media.script('flood', 'exec cat /dev/zero');
    expect((await failure(probe(media.make('some.wav', ...tone), { ffprobePath }))).code).toBe('unsupported_media');
  });

  it('says cancelled when it is aborted', async () => {
    const abort = new AbortController();
    const ffprobePath = media.script('sleeper', 'exec sleep 600');
    const error = failure(probe(media.make('some.wav', ...tone), { ffprobePath }, abort.signal));
    abort.abort();
    expect((await error).code).toBe('cancelled');
  });
});
