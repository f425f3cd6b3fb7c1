import { execFileSync } from 'node:child_process';
import { readFileSync, truncateSync } from 'node:fs';
import type { TranscriptWarning } from '#contracts';
import { type DecodeOptions, decodePcm } from './decode.js';
import type { MediaInfo } from './media.js';
import { readPlainWave } from './plain-wave.js';
import { probeMedia } from './probe.js';
import { MediaFolder } from './testing.js';

const media = new MediaFolder();
afterAll(() => media.dispose());

/** What needs a decoder fails with them. */
const without = { ffmpegPath: 'no-such-program', ffprobePath: 'no-such-program', timeoutMs: 20_000 };

async function samplesOf(path: string, changes: Partial<DecodeOptions> = {}): Promise<Buffer> {
  const { signal } = new AbortController();
  const chunks: Buffer[] = [];
  for await (const chunk of decodePcm(path, { settings: without, signal, ...changes })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What ffmpeg makes of a file, as `decodePcm` would have it. */
function decoded(path: string, channel?: number): Buffer {
  const filter = channel === undefined ? [] : ['-af', `pan=mono|c0=c${channel}`];
  const options = [...filter, '-ac', '1', '-ar', '16000', '-f', 's16le', 'pipe:1'];
  return execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-i', path, ...options], { maxBuffer: 1e8 });
}

function probed(path: string): unknown {
  const entries = 'format=format_name,duration,bit_rate:stream=channels,sample_rate,codec_name';
  const answer: unknown = JSON.parse(
    execFileSync('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries', entries, path], { encoding: 'utf8' }),
  );
  const { format, streams } = answer as { format: Record<string, string>; streams: Record<string, string | number>[] };
  const [stream = {}] = streams;
  return {
    container: format['format_name'],
    durationMs: Math.round(Number(format['duration']) * 1000),
    bitRate: Number(format['bit_rate']),
    audio: {
      codec: stream['codec_name'],
      sampleRateHz: Number(stream['sample_rate']),
      channels: stream['channels'],
    },
  };
}

interface Content {
  readonly chunks?: readonly Buffer[];
  readonly trailers?: readonly Buffer[];
  readonly format?: Buffer;
  readonly samples?: Buffer;
  /** What the header says of the samples' length. */
  readonly size?: number;
}

function chunk(name: string, content: Buffer, size = content.length): Buffer {
  const head = Buffer.alloc(8);
  head.write(name, 'latin1');
  head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

const noExtension: Buffer = Buffer.alloc(0);

function format({ tag = 1, channels = 1, rate = 16_000, bits = 16, extra = noExtension } = {}): Buffer {
  const fields = Buffer.alloc(16);
  fields.writeUInt16LE(tag, 0);
  fields.writeUInt16LE(channels, 2);
  fields.writeUInt32LE(rate, 4);
  fields.writeUInt32LE((rate * channels * bits) / 8, 8);
  fields.writeUInt16LE((channels * bits) / 8, 12);
  fields.writeUInt16LE(bits, 14);
  return Buffer.concat([fields, extra]);
}

function extension({ bits = 16, subtype = '0100000000001000800000aa00389b71' } = {}): Buffer {
  const fields = Buffer.alloc(24);
  fields.writeUInt16LE(22, 0);
  fields.writeUInt16LE(bits, 2);
  fields.writeUInt32LE(4, 4);
  fields.write(subtype, 8, 'hex');
  return fields;
}

/** Noise, in which every value comes up; the same each time. */
function noise(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    content[at] = state >>> 16;
  }
  return content;
}

let count = 0;

function wave({ chunks = [], trailers = [], format: fmt = format(), samples = noise(40_000), size }: Content): string {
  const body = [chunk('fmt ', fmt), ...chunks, chunk('data', samples, size ?? samples.length), ...trailers];
  const riff = chunk('RIFF', Buffer.concat([Buffer.from('WAVE'), ...body]));
  count += 1;
  return media.write(`${count}.wav`, riff);
}

const list = chunk('LIST', Buffer.from('INFOISFT\x06\0\0\0Maker\0', 'latin1'));

const plain: Record<string, Content> = {
  'the shortest header': {},
  'tags before and behind the samples': { chunks: [chunk('JUNK', Buffer.alloc(28)), list], trailers: [list] },
  'a tag of an odd length': { chunks: [chunk('LIST', Buffer.from('INFOabc'))] },
  'an extensible header': { format: format({ tag: 0xff_fe, extra: extension() }) },
  'a longer header': { format: format({ extra: Buffer.from([0, 0]) }) },
  'a length that is not known': { size: 0xff_ff_ff_ff },
  'a length of nothing': { size: 0 },
  'the longest length': { size: 0x7f_ff_ff_ff },
  'one sample': { samples: noise(2) },
  'many samples': { samples: noise(300_002) },
};

const other: Record<string, () => string> = {
  'another rate': () => wave({ format: format({ rate: 8_000 }) }),
  'another depth': () => wave({ format: format({ bits: 8 }) }),
  'another code': () => wave({ format: format({ tag: 6 }) }),
  'another code in an extensible header': () =>
    wave({ format: format({ tag: 0xff_fe, extra: extension({ subtype: '0300000000001000800000aa00389b71' }) }) }),
  'fewer bits that count': () => wave({ format: format({ tag: 0xff_fe, extra: extension({ bits: 12 }) }) }),
  'an extensible header that is cut short': () => wave({ format: format({ tag: 0xff_fe }) }),
  'no channels': () => wave({ format: format({ channels: 0 }) }),
  'more channels than people have': () => wave({ format: format({ channels: 9 }), samples: noise(18_000) }),
  'part of a sample': () => wave({ samples: noise(1_001) }),
  'a header of two formats': () => wave({ chunks: [chunk('fmt ', format({ rate: 8_000 }))] }),
  'chunks that nobody knows': () => wave({ chunks: [chunk('SMV0', Buffer.alloc(10))] }),
  'chunks that are longer than the file': () => wave({ chunks: [chunk('LIST', Buffer.alloc(4), 0xff_ff_ff_f0)] }),
  'more tags than a header has': () => wave({ chunks: [chunk('JUNK', Buffer.alloc(9_000))] }),
  'the time of its recording': () => wave({ chunks: [chunk('LIST', Buffer.from('INFOIDIT\x04\0\0\x002024'))] }),
  'more samples behind the samples': () => wave({ trailers: [chunk('data', noise(100))] }),
  'something else behind the samples': () => wave({ trailers: [Buffer.from('and so on')] }),
  'more behind the longest length': () => {
    const path = wave({ size: 0x7f_ff_ff_ff });
    truncateSync(path, 0x80_00_00_00 + 1_000);
    return path;
  },
  'no samples': () => wave({ samples: Buffer.alloc(0) }),
  'nothing but a name': () => media.write('short.wav', 'RIFF\0\0\0\0WAVE'),
  'another name': () => media.write('text.wav', 'Dear sir or madam, '.repeat(100)),
};

describe('plain wave files', () => {
  it.each(Object.entries(plain))('are read with %s as ffmpeg reads them', async (_title, content) => {
    const path = wave(content);
    expect((await samplesOf(path)).equals(decoded(path))).toBe(true);
    const info = await probeMedia(path, without, new AbortController().signal);
    // Durations of less than half a millisecond are none.
    expect({ durationMs: 0, ...info }).toEqual(probed(path));
  });

  it.each([1, 2, 3, 8])('give any of %i channels as ffmpeg gives them', async (channels) => {
    const path = wave({ format: format({ channels }), samples: noise(channels * 50_000) });
    for (const channel of new Set([0, channels - 1])) {
      expect((await samplesOf(path, { channel })).equals(decoded(path, channel))).toBe(true);
    }
  });

  it('are mixed by ffmpeg', async () => {
    const path = wave({ format: format({ channels: 2 }) });
    await expect(samplesOf(path)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await expect(samplesOf(path, { channel: 2 })).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });

  it.each([1_000, 2_000, 39_998])('give what is there of a file cut off after %i bytes of sound', async (bytes) => {
    const path = wave({ trailers: [list] });
    truncateSync(path, 44 + bytes);
    const warnings: TranscriptWarning[] = [];
    const samples = await samplesOf(path, { onWarning: (warning) => warnings.push(warning) });
    expect(samples.equals(noise(40_000).subarray(0, bytes))).toBe(true);
    expect(samples.equals(decoded(path))).toBe(true);
    expect(warnings).toEqual([]);
    const info = await probeMedia(path, without, new AbortController().signal);
    expect(info).toEqual({ ...(probed(path) as object), isTruncated: true });
  });

  it.each(Object.entries(other))('are not those with %s', async (_title, make) => {
    expect(await readPlainWave(make())).toBeUndefined();
  });

  it('are recognised however they are cut short', async () => {
    const path = wave({ chunks: [list], samples: noise(100) });
    const whole = readFileSync(path);
    const start = whole.indexOf('data') + 8;
    for (let length = 0; length <= whole.length; length += 1) {
      const found = await readPlainWave(media.write('cut.wav', whole.subarray(0, length)));
      const isPlain = length > start && (length - start) % 2 === 0;
      expect([length, found?.bytes]).toEqual([length, isPlain ? length - start : undefined]);
    }
  });

  it.each([
    ['small', 100],
    ['large', 100_000],
  ])('tell whoever decodes them what a probe would, %s ones', async (_size, count) => {
    const path = wave({ samples: noise(count) });
    const told: MediaInfo[] = [];
    const samples = await samplesOf(path, { onInfo: (info) => told.push(info) });
    expect(samples).toEqual(decoded(path));
    expect(told).toEqual([await probeMedia(path, without, new AbortController().signal)]);
  });

  it('are read no further once nobody wants them', async () => {
    const stop = new AbortController();
    const chunks = decodePcm(wave({ samples: noise(1_000_000) }), { settings: without, signal: stop.signal });
    await chunks.next();
    stop.abort();
    await expect(chunks.next()).rejects.toMatchObject({ code: 'cancelled' });
  });
});
