import { BYTES_PER_SAMPLE } from '#contracts';

const INITIAL_BYTES = 256 * 1024;

/** PCM that comes in chunks of any size and goes out in stretches: appended at the end, taken from the front. */
export class SampleQueue {
  // Its own memory, so that samples can be read as 16-bit numbers at even addresses. Every platform that Node runs
  // speech engines on is little-endian, as the samples are.
  private memory = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private usedBytes = 0;

  /** Whole samples in the queue. */
  get length(): number {
    return Math.floor(this.usedBytes / BYTES_PER_SAMPLE);
  }

  append(chunk: Uint8Array): void {
    this.reserve(this.usedBytes + chunk.length);
    this.memory.set(chunk, this.usedBytes);
    this.usedBytes += chunk.length;
  }

  /** The samples in the queue. Good until the next `append` or `drop`. */
  view(): Int16Array {
    return new Int16Array(this.memory.buffer, 0, this.length);
  }

  /**
   * The bytes of that many samples, or of all where there are fewer, but for the first `from`; they stay in the queue. Good
   * until the next `append` or `drop`.
   */
  bytes(samples: number, from = 0): Buffer {
    const end = Math.min(samples, this.length) * BYTES_PER_SAMPLE;
    return this.memory.subarray(Math.min(from * BYTES_PER_SAMPLE, end), end);
  }

  /** Removes that many samples, or all where there are fewer. */
  drop(samples: number): void {
    const bytes = Math.min(samples, this.length) * BYTES_PER_SAMPLE;
    this.memory.copyWithin(0, bytes, this.usedBytes);
    this.usedBytes -= bytes;
  }

  private reserve(bytes: number): void {
    if (bytes <= this.memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.memory.length * 2));
    this.memory.copy(larger, 0, 0, this.usedBytes);
    this.memory = larger;
  }
}
