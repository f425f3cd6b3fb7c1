/** Keeps the beginning and the end of a text that may never end, and says how much is missing between them. */
export class BoundedText {
  private head = '';
  private tail = '';
  private dropped = 0;

  /** @param limit characters kept at either end */
  constructor(private readonly limit: number) {}

  append(chunk: Buffer): void {
    let text = chunk.toString('latin1');
    const room = this.limit - this.head.length;
    this.head += text.slice(0, room);
    text = this.tail + text.slice(room);
    this.dropped += Math.max(0, text.length - this.limit);
    this.tail = text.slice(-this.limit);
  }

  toString(): string {
    return this.dropped === 0 ? this.head + this.tail : `${this.head}\n[${this.dropped} left out]\n${this.tail}`;
  }
}
