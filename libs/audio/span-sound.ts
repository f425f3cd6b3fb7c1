import { pcmBytesToMs } from '#contracts';

/** Sound goes to engines in pieces of eight seconds: small beside a span, and few enough that their number costs little. */
export const PIECE_BYTES = 256_000;

/** The sound of a span that comes in bit by bit. It is kept, so that each reader gets it from the start. */
export class SpanSound {
  private readonly parts: Buffer[] = [];
  private readonly waiting = new Set<() => void>();
  private isWhole = false;
  private failure: { readonly error: unknown } | undefined;
  private bytes = 0;

  /** How much has come in. */
  get lengthMs(): number {
    return pcmBytesToMs(this.bytes);
  }

  append(part: Buffer): void {
    if (part.length === 0) return;
    this.parts.push(part);
    this.bytes += part.length;
    this.wake();
  }

  /** Nothing more comes. */
  close(): void {
    this.isWhole = true;
    this.wake();
  }

  /** Nothing more comes, for that reason. Readers are told once they have read what is there. */
  fail(error: unknown): void {
    this.failure = { error };
    this.wake();
  }

  /** @throws what the sound failed with, or the signal's reason */
  async *read(signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    for (let index = 0; await this.has(index, signal); index += 1) {
      const part = this.parts[index] ?? Buffer.alloc(0);
      for (let at = 0; at < part.length; at += PIECE_BYTES) yield part.subarray(at, at + PIECE_BYTES);
    }
  }

  /** Waits until that part is there; false where it never will be. */
  private async has(index: number, signal: AbortSignal): Promise<boolean> {
    while (index >= this.parts.length) {
      if (this.failure !== undefined) throw this.failure.error;
      if (this.isWhole) return false;
      await this.change(signal);
    }
    return true;
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        if (signal.aborted) reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        else resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }

  private wake(): void {
    for (const wake of this.waiting) wake();
  }
}
