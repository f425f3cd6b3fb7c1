import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { SNIFF_BYTES, sniffMedia } from './sniff.js';
import { MediaFolder } from './testing.js';

const media = new MediaFolder();
afterAll(() => media.dispose());

const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=1:sample_rate=48000'];

function headOf(path: string): Uint8Array {
  return readFileSync(path).subarray(0, SNIFF_BYTES);
}

describe('sniffMedia', () => {
  it.each([
    ['a.wav', [], 'audio/wav'],
    ['a.w64', [], 'audio/x-w64'],
    ['a.mp3', [], 'audio/mpeg'],
    ['no-tag.mp3', ['-id3v2_version', '0', '-write_xing', '0'], 'audio/mpeg'],
    ['a.mp2', [], 'audio/mpeg'],
    ['low-rate.mp3', ['-ar', '16000', '-b:a', '24k', '-id3v2_version', '0'], 'audio/mpeg'],
    ['a.aac', [], 'audio/aac'],
    ['a.ac3', [], 'audio/ac3'],
    ['a.flac', [], 'audio/flac'],
    ['a.ogg', ['-c:a', 'libvorbis'], 'audio/ogg'],
    ['a.opus', ['-c:a', 'libopus'], 'audio/ogg'],
    ['a.oga', ['-c:a', 'flac'], 'audio/ogg'],
    ['a.spx', ['-ar', '16000', '-c:a', 'libspeex'], 'audio/ogg'],
    ['a.aiff', [], 'audio/aiff'],
    ['a.au', [], 'audio/basic'],
    ['a.caf', [], 'audio/x-caf'],
    ['a.wv', [], 'audio/x-wavpack'],
  ])('knows %s as audio alone', async (name, coding, mediaType) => {
    const format = await sniffMedia(headOf(media.make(name, ...tone, ...coding)));
    expect(format).toMatchObject({ mediaType, mayHoldVideo: false });
  });

  it.each([
    ['a.m4a', [], 'audio/mp4'],
    ['a.mp4', [], 'video/mp4'],
    ['a.mov', ['-c:a', 'aac'], 'video/quicktime'],
    ['a.3gp', ['-c:a', 'aac'], 'video/3gpp'],
    ['a.webm', ['-c:a', 'libopus'], 'video/webm'],
    ['a.mkv', ['-c:a', 'aac'], 'video/x-matroska'],
    ['a.avi', ['-c:a', 'mp3'], 'video/x-msvideo'],
    ['a.ts', ['-c:a', 'aac'], 'video/mp2t'],
    ['a.mpg', ['-c:a', 'mp2'], 'video/mpeg'],
    ['a.wma', [], 'video/x-ms-asf'],
    ['a.flv', ['-c:a', 'mp3'], 'video/x-flv'],
  ])('knows %s as a container that may hold video', async (name, coding, mediaType) => {
    const format = await sniffMedia(headOf(media.make(name, ...tone, ...coding)));
    expect(format).toMatchObject({ mediaType, mayHoldVideo: true });
  });

  it('knows adaptive multi-rate audio, which ffmpeg reads but seldom writes', async () => {
    expect(await sniffMedia(Buffer.from('#!AMR\n\x3c'))).toMatchObject({ mediaType: 'audio/amr' });
  });

  it('knows mp3 that begins in the middle of a frame, as cut from a stream', async () => {
    const whole = headOf(media.make('stream.mp3', ...tone, '-id3v2_version', '0'));
    expect(await sniffMedia(whole.subarray(500))).toMatchObject({ mediaType: 'audio/mpeg' });
  });

  const sentence = 'Dear sir or madam, this is no sound. '.repeat(300);
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from(sentence)],
    ['text in UTF-16, whose first two bytes look like an MPEG frame', Buffer.from(`\ufeff${sentence}`, 'utf16le')],
    ['zeros', Buffer.alloc(10_000)],
    ['ones, which are all sync words', Buffer.alloc(10_000, 0xff)],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['a document', Buffer.from('%PDF-1.7\n')],
    ['a playlist', Buffer.from('#EXTM3U\n#EXTINF:1,\n/etc/passwd\n')],
    ['a program', Buffer.from('7f454c4602010100', 'hex')],
  ])('takes %s for no media', async (_title, bytes) => {
    expect(await sniffMedia(bytes)).toBeUndefined();
  });

  it('answers for any bytes behind any beginning', async () => {
    const beginnings = [
      'RIFF',
      'ID3\x03\0\0',
      'OggS',
      'fLaC',
      '\x1a\x45\xdf\xa3',
      '\0\0\0\x20ftyp',
      '0&\xb2u',
      '\xff\xfb\x90',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('', ...beginnings), fc.uint8Array({ maxLength: 600 }), async (start, rest) => {
        const format = await sniffMedia(Buffer.concat([Buffer.from(start, 'latin1'), rest]));
        expect(typeof (format?.mediaType ?? '')).toBe('string');
      }),
      { numRuns: 500 },
    );
  });
});
