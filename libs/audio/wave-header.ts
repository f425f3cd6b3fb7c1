/** Where the samples of a wave file are, by its header (Microsoft and IBM, RIFF 1.0; RF64 with its 64-bit sizes is left alone). */
export interface WaveSamples {
  /** Byte at which they begin. */
  readonly start: number;
  /** undefined where the header says that it does not know, as recorders do that write to a pipe. */
  readonly bytes: number | undefined;
}

export const RIFF_HEADER_BYTES = 12;
export const CHUNK_HEADER_BYTES = 8;
/** Sizes from there on stand for "as long as it goes": writers use 2^31 or 2^32 less some. */
export const UNKNOWN_SIZE = 0x7f_ff_00_00;

export function isWave(head: Buffer): boolean {
  return head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WAVE';
}

/**
 * @param head the beginning of a wave file
 * @returns undefined where the samples do not begin within it
 */
export function waveSamples(head: Buffer): WaveSamples | undefined {
  for (let at = RIFF_HEADER_BYTES; at + CHUNK_HEADER_BYTES <= head.length;) {
    const size = head.readUInt32LE(at + 4);
    const start = at + CHUNK_HEADER_BYTES;
    if (head.toString('latin1', at, at + 4) === 'data') {
      return { start, bytes: size === 0 || size >= UNKNOWN_SIZE ? undefined : size };
    }
    // Chunks begin at even bytes.
    at = start + size + (size % 2);
  }
  return undefined;
}

/**
 * Whether a file is a wave file that has a header and no sound.
 *
 * @param file all of it
 */
export function isEmptyWave(file: Buffer): boolean {
  if (!isWave(file)) return false;
  const samples = waveSamples(file);
  return samples === undefined || samples.start >= file.length;
}
