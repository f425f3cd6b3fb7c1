/**
 * The stretch of a call's audio that is still needed: grows at the end as chunks arrive, shrinks at the start as text is
 * handed out. Positions are samples from the start of the call and stay valid while the buffer moves on.
 */
export class SampleBuffer {
  private samples = new Int16Array(1 << 16);
  private first = 0;
  private used = 0;
  private oddByte: number | undefined;

  /** Position after the last whole sample. */
  get end(): number {
    return this.first + this.used;
  }

  /** Adds s16le bytes. Half a sample at the end waits for its other half. */
  append(chunk: Uint8Array): void {
    let offset = 0;
    if (this.oddByte !== undefined && chunk.length > 0) {
      this.grow(1);
      this.samples[this.used++] = this.oddByte | ((chunk[0] ?? 0) << 8);
      this.oddByte = undefined;
      offset = 1;
    }
    const count = (chunk.length - offset) >> 1;
    this.grow(count);
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let i = 0; i < count; i++) this.samples[this.used + i] = view.getInt16(offset + 2 * i, true);
    this.used += count;
    if (offset + 2 * count < chunk.length) this.oddByte = chunk[chunk.length - 1];
  }

  /**
   * Copies a range as floats in -1..1.
   *
   * @param length of the result; what lies outside the buffer is silence
   */
  read(start: number, end: number, length: number = end - start): Float32Array {
    const result = new Float32Array(length);
    const from = Math.max(start, this.first);
    const to = Math.min(end, this.end, start + length);
    for (let position = from; position < to; position++) {
      result[position - start] = (this.samples[position - this.first] ?? 0) / 32_768;
    }
    return result;
  }

  /** Forgets everything before a position. */
  discardBefore(position: number): void {
    const count = Math.min(position, this.end) - this.first;
    if (count <= 0) return;
    this.samples.copyWithin(0, count, this.used);
    this.first += count;
    this.used -= count;
  }

  private grow(count: number): void {
    if (this.used + count <= this.samples.length) return;
    const larger = new Int16Array(Math.max(this.used + count, 2 * this.samples.length));
    larger.set(this.samples.subarray(0, this.used));
    this.samples = larger;
  }
}
