import { execFileSync } from 'node:child_process';
import { sample } from '../../test/support/mesh-process.js';

/** The five-minute sample over and over, cut to that many seconds, encoded as the file's ending says. */
export function speechFile(path: string, seconds: number, ...encoding: string[]): string {
  const input = ['-stream_loop', '-1', '-i', sample('long-read.opus'), '-t', String(seconds)];
  execFileSync('ffmpeg', ['-v', 'error', ...input, ...encoding, '-y', path]);
  return path;
}
