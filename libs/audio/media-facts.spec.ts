import { mediaFacts } from './media-facts.js';
import type { MediaInfo } from './media.js';
import { probeMedia } from './probe.js';
import { MediaFolder } from './testing.js';

const folder = new MediaFolder();
afterAll(() => folder.dispose());

const settings = { ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', timeoutMs: 20_000 };
const source = [
  ...['-f', 'lavfi', '-i', 'testsrc=duration=2:size=128x96:rate=30000/1001'],
  ...['-f', 'lavfi', '-i', 'sine=frequency=440:duration=2:sample_rate=48000', '-ac', '2'],
];
const recorded = ['-metadata', 'creation_time=2024-05-06T07:08:09Z'];

async function factsOf(name: string, ...options: string[]) {
  const path = folder.make(name, ...source, ...options);
  return mediaFacts(await probeMedia(path, settings, new AbortController().signal));
}

const info: MediaInfo = { container: 'mp3', audio: { codec: 'mp3', sampleRateHz: 8_000, channels: 1 } };

describe('mediaFacts', () => {
  it.each([
    ['a.mp4', 'mov,mp4,m4a,3gp,3g2,mj2', ['-c:v', 'mpeg4', '-c:a', 'aac'], 'mpeg4', 'aac'],
    ['a.mov', 'mov,mp4,m4a,3gp,3g2,mj2', ['-c:v', 'mjpeg', '-c:a', 'pcm_s16le'], 'mjpeg', 'pcm_s16le'],
    ['a.mkv', 'matroska,webm', ['-c:v', 'mpeg4', '-c:a', 'flac'], 'mpeg4', 'flac'],
    ['a.webm', 'matroska,webm', ['-c:v', 'libvpx', '-c:a', 'libopus'], 'vp8', 'opus'],
  ])('tells what %s holds', async (name, container, options, video, audio) => {
    const facts = await factsOf(name, ...options, ...recorded);
    expect(facts).toMatchObject({
      container,
      bitRate: expect.any(Number) as number,
      createdAt: '2024-05-06T07:08:09.000Z',
      audio: { codec: audio, sampleRateHz: 48_000, channels: 2 },
      video: { codec: video, width: 128, height: 96, frameRate: 29.97 },
    });
    expect(Math.abs((facts.durationMs ?? 0) - 2_000)).toBeLessThan(150);
    expect(facts.bitRate).toBeGreaterThan(1_000);
  });

  it.each(['1904-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'yesterday', 'x'.repeat(60_000)])(
    'leaves out a time of recording that cannot be true (%#)',
    async (time) => {
      expect(
        (await factsOf('odd.mkv', '-c:v', 'mpeg4', '-metadata', `creation_time=${time}`)).createdAt,
      ).toBeUndefined();
    },
  );

  it('leaves out numbers that cannot be true, and cuts names', () => {
    const video = { codec: 'v'.repeat(500), width: 1e12, height: Number.NaN, frameRate: 90_000 };
    const odd: MediaInfo = {
      ...{ ...info, container: 'c'.repeat(500), durationMs: 1e15, bitRate: Infinity, video },
      createdAt: new Date(8.64e15),
    };
    expect(mediaFacts(odd)).toEqual({
      container: 'c'.repeat(64),
      audio: info.audio,
      video: { codec: 'v'.repeat(64), width: 0, height: 0 },
    });
  });

  it('says nothing of what a file does not say', () => {
    expect(mediaFacts(info)).toEqual({ container: 'mp3', audio: info.audio });
  });
});
