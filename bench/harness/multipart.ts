import { Readable } from 'node:stream';

/** A file of that size that says it is a WAV and is silent: made while it is sent, never in memory or on a disk. */
export interface SilentFile {
  readonly bytes: number;
}

const BOUNDARY = 'bench-boundary-7f3a';
const HEAD = Buffer.from(
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="bench.wav"\r\ncontent-type: audio/wav\r\n\r\n`,
);
const TAIL = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
const CHUNK = Buffer.alloc(262_144);
const SAMPLE_RATE_HZ = 16_000;

/** The headers and the body of a form with that file in it. */
export function multipart(file: SilentFile | Buffer): {
  readonly headers: Record<string, string>;
  readonly body: () => Readable;
} {
  const bytes = Buffer.isBuffer(file) ? file.length : file.bytes;
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'content-length': String(HEAD.length + bytes + TAIL.length),
    },
    body: () => Readable.from(pieces(file)),
  };
}

function* pieces(file: SilentFile | Buffer): Generator<Buffer> {
  yield HEAD;
  if (Buffer.isBuffer(file)) yield file;
  else {
    const head = wavHeader(file.bytes);
    yield head;
    for (let left = file.bytes - head.length; left > 0; left -= CHUNK.length)
      yield CHUNK.subarray(0, Math.min(left, CHUNK.length));
  }
  yield TAIL;
}

/** The header of a mono 16-bit WAV of that size; multimedia programming interface and data specifications 1.0 (1991). */
export function wavHeader(bytes: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(bytes - 8, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes - 44, 40);
  return header;
}
