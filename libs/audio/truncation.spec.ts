import { readFileSync } from 'node:fs';
import { MediaFolder, makeTone } from './testing.js';
import { isTruncated } from './truncation.js';
import { isEmptyWave } from './wave-header.js';

const media = new MediaFolder();
afterAll(() => media.dispose());

const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=3'];

function cut(path: string, share: number): string {
  const whole = readFileSync(path);
  return media.write(`cut-${path.replace(/.*\//, '')}`, whole.subarray(0, Math.floor(whole.length * share)));
}

describe('isTruncated', () => {
  it.each([
    ['a.wav', []],
    ['a.opus', ['-c:a', 'libopus']],
    ['a.ogg', ['-c:a', 'libvorbis']],
  ])('tells a whole %s from one that was cut off', async (name, codec) => {
    const whole = media.make(name, ...tone, ...codec);
    expect(await isTruncated(whole)).toBe(false);
    expect(await isTruncated(cut(whole, 0.6))).toBe(true);
  });

  it('takes a wave file that does not know its length for whole', async () => {
    const wave = readFileSync(media.make('b.wav', ...tone));
    for (const size of [0, 0x7f_ff_ff_ff, 0xff_ff_ff_ff]) {
      wave.writeUInt32LE(size, wave.indexOf('data') + 4);
      expect(await isTruncated(media.write('unknown.wav', wave))).toBe(false);
    }
  });

  it('says nothing of formats whose end cannot be told, and of what is no media at all', async () => {
    expect(await isTruncated(cut(media.make('a.mp3', ...tone), 0.5))).toBe(false);
    for (const content of ['', 'R', 'RIFF....WAVE', 'OggS']) {
      await expect(isTruncated(media.write('odd', content))).resolves.toBe(content === 'OggS');
    }
  });
});

describe('isEmptyWave', () => {
  it('finds a header without sound', () => {
    const wave = readFileSync(media.make('c.wav', ...tone));
    const start = wave.indexOf('data') + 8;
    expect(isEmptyWave(wave)).toBe(false);
    expect(isEmptyWave(wave.subarray(0, start))).toBe(true);
    expect(isEmptyWave(wave.subarray(0, start - 8))).toBe(true);
    expect(isEmptyWave(makeTone(10))).toBe(false);
  });
});
