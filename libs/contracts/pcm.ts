/** Samples per second of all PCM inside the mesh. Every engine family we know resamples to this rate. */
export const SAMPLE_RATE_HZ = 16_000;

/** Signed 16-bit little-endian mono. */
export const BYTES_PER_SAMPLE = 2;

const BYTES_PER_MS = (SAMPLE_RATE_HZ * BYTES_PER_SAMPLE) / 1000;

/** Length in milliseconds of that many bytes of PCM. */
export function pcmBytesToMs(bytes: number): number {
  return bytes / BYTES_PER_MS;
}

/** Whole samples that cover that many milliseconds, in bytes. */
export function msToPcmBytes(ms: number): number {
  return Math.round((ms * SAMPLE_RATE_HZ) / 1000) * BYTES_PER_SAMPLE;
}
