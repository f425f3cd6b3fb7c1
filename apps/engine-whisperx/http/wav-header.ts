import { BYTES_PER_SAMPLE, SAMPLE_RATE_HZ } from '#contracts';

/** What ffmpeg and libsndfile take for "to the end of the stream". */
const LENGTH_UNKNOWN = 0xffff_ffff;

/** Header of a WAV file (RIFF, PCM) whose length is not known while it is sent. */
export function streamingWavHeader(): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(LENGTH_UNKNOWN, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34);
  header.write('data', 36);
  header.writeUInt32LE(LENGTH_UNKNOWN, 40);
  return header;
}
