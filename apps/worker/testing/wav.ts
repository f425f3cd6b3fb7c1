import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const SAMPLE_RATE_HZ = 16_000;

/**
 * A WAV file of so many seconds. Sample `n` of channel `c` is 1000 times `c` + 1, or 0 for silence, so that a test can tell
 * which channel it got.
 */
export function wav(channels: number, seconds: number, silent = false): Buffer {
  const data = Buffer.alloc(seconds * SAMPLE_RATE_HZ * 2 * channels);
  for (let sample = 0; !silent && sample < data.length / 2; sample += 1) {
    data.writeInt16LE(1000 * (1 + (sample % channels)), sample * 2);
  }
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24);
  header.writeUInt32LE(SAMPLE_RATE_HZ * 2 * channels, 28);
  header.writeUInt16LE(2 * channels, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

/** A stream as a browser records it: its header does not tell how long it is. */
export async function withoutLength(seconds: number): Promise<Buffer> {
  const args = ['-v', 'error', '-f', 'lavfi', '-i', 'sine=sample_rate=16000', '-t', String(seconds)];
  const output = ['-c:a', 'pcm_s16le', '-f', 'matroska', 'pipe:1'];
  const run = promisify(execFile);
  const { stdout } = await run('ffmpeg', [...args, ...output], { encoding: 'buffer', maxBuffer: 2 ** 27 });
  return stdout;
}
