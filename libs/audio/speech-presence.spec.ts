import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SAMPLE_RATE_HZ } from '#contracts';
import { hearsSpeech } from './speech-presence.js';
import { makePcm, makeSilence, makeTone } from './testing.js';

const root = new URL('../../../', import.meta.url);

/** Some seconds of one of the recordings that come with the product. */
function sample(name: string, fromSeconds: number, seconds: number, filter = 'anull'): Buffer {
  const file = fileURLToPath(new URL(`samples/${name}`, root));
  const input = ['-ss', String(fromSeconds), '-t', String(seconds), '-i', file];
  const output = ['-af', filter, '-ac', '1', '-ar', String(SAMPLE_RATE_HZ), '-f', 's16le', 'pipe:1'];
  return execFileSync('ffmpeg', ['-nostdin', '-v', 'error', ...input, ...output], { maxBuffer: 2 ** 27 });
}

async function heard(pcm: Buffer, chunkBytes = 16_001): Promise<boolean> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < pcm.length; at += chunkBytes) yield await Promise.resolve(pcm.subarray(at, at + chunkBytes));
  }
  return hearsSpeech(chunks());
}

/** The same noise each time. */
function noise(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32) * 2 - 1;
  };
}

/** Notes of a scale, each struck and fading, with overtones. */
function melody(ms: number): Buffer {
  const notes = [262, 294, 330, 349, 392, 330, 262, 196];
  return makePcm(ms, (n) => {
    const seconds = n / SAMPLE_RATE_HZ;
    const note = notes[Math.floor(seconds / 0.4) % notes.length] ?? 262;
    const fade = Math.exp(-3 * (seconds % 0.4));
    const tone = [1, 2, 3].reduce((sum, over) => sum + Math.sin(2 * Math.PI * note * over * seconds) / over, 0);
    return 0.3 * fade * tone;
  });
}

describe('hearsSpeech', () => {
  it.each(['clinic-dialogue.opus', 'long-read.opus', 'stereo-call.opus'])('hears speech in %s', async (name) => {
    await expect(heard(sample(name, 0, 20))).resolves.toBe(true);
  });

  it('hears soft speech, and speech in noise', async () => {
    await expect(heard(sample('long-read.opus', 30, 10, 'volume=-20dB'))).resolves.toBe(true);
    const next = noise();
    const speech = sample('long-read.opus', 30, 10);
    const noisy = makePcm(10_000, (n) => speech.readInt16LE(2 * n) / 32_768 + 0.01 * next());
    await expect(heard(noisy)).resolves.toBe(true);
  });

  it('hears speech of two seconds in a minute of silence', async () => {
    const pcm = Buffer.concat([makeSilence(30_000), sample('long-read.opus', 30, 2), makeSilence(30_000)]);
    await expect(heard(pcm)).resolves.toBe(true);
  });

  it('hears none in silence, noise, hum, a melody or clicks', async () => {
    const next = noise();
    const sounds: Record<string, Buffer> = {
      nothing: Buffer.alloc(0),
      silence: makeSilence(10_000),
      'soft noise': makePcm(10_000, () => 0.001 * next()),
      'loud noise': makePcm(10_000, () => 0.3 * next()),
      'noise that comes and goes': makePcm(10_000, (n) => 0.3 * next() * Math.abs(Math.sin(n / 3_000))),
      hum: makeTone(10_000),
      melody: melody(10_000),
      clicks: makePcm(10_000, (n) => (n % 4_000 < 20 ? 0.8 : 0)),
    };
    const found: string[] = [];
    for (const [name, pcm] of Object.entries(sounds)) if (await heard(pcm)) found.push(name);
    expect(found).toEqual([]);
  });

  it('gives the same for any chunks', async () => {
    const pcm = sample('long-read.opus', 30, 5);
    await expect(heard(pcm, 777)).resolves.toBe(await heard(pcm, 100_000));
  });
});
