import { type FileHandle, open } from 'node:fs/promises';
import { isWave, waveSamples } from './wave-header.js';

/** Enough for the header of a wave file with its usual tags, and for the longest page of an Ogg file (65,307 bytes). */
const END_BYTES = 128 * 1024;
/** Wave files may lack the byte that makes their length even. */
const WAVE_SLACK_BYTES = 1;

const OGG_HEADER_BYTES = 27;
const OGG_LAST_PAGE = 0x04;

/**
 * Whether a file ends before its end, as an upload or a recording does that was cut off, in formats that decoders take for
 * whole all the same: wave files say how long they are, and Ogg marks the last page of each stream (RFC 3533, section 6).
 */
export async function isTruncated(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = await read(file, 0, Math.min(size, END_BYTES));
    if (isWave(head)) return isWaveCut(head, size);
    if (head.toString('latin1', 0, 4) !== 'OggS') return false;
    const start = Math.max(0, size - END_BYTES);
    return isOggCut(await read(file, start, size - start));
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function isWaveCut(head: Buffer, size: number): boolean {
  const samples = waveSamples(head);
  return samples?.bytes !== undefined && samples.start + samples.bytes > size + WAVE_SLACK_BYTES;
}

/** @param end of the file, with at least one whole page in it where there is one */
function isOggCut(end: Buffer): boolean {
  const at = end.lastIndexOf('OggS', undefined, 'latin1');
  if (at < 0 || at + OGG_HEADER_BYTES > end.length) return true;
  const isLast = ((end[at + 5] ?? 0) & OGG_LAST_PAGE) !== 0;
  const segments = end.subarray(at + OGG_HEADER_BYTES, at + OGG_HEADER_BYTES + (end[at + 26] ?? 0));
  const bodyBytes = segments.reduce((sum, bytes) => sum + bytes, 0);
  return !isLast || at + OGG_HEADER_BYTES + segments.length + bodyBytes > end.length;
}
