import { pcmBytesToMs } from '#contracts';
import type { SoundMemory } from './sound-memory.js';

/** The sound of a span that comes in bit by bit. It is kept, so that each reader gets it from the start. */
export class SpanSound {
  private parts: readonly Buffer[] = [];
  private readonly waiting = new Set<() => void>();
  private isWhole = false;
  private failure: { readonly error: unknown } | undefined;
  private bytes = 0;
  private isReleased = false;

  constructor(private readonly memory: SoundMemory) {}

  /** How much has come in. */
  get lengthMs(): number {
    return pcmBytesToMs(this.bytes);
  }

  /** @param parts in the memory of this sound, which they are given back to */
  append(parts: readonly Buffer[]): void {
    this.parts = [...this.parts, ...parts];
    for (const part of parts) this.bytes += part.length;
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

  /**
   * Gives its memory to the sound that comes after it. Only for sound that has come in as a whole and that nobody reads any
   * more: who does is told by an error, instead of hearing something else.
   */
  release(): void {
    if (!this.isWhole || this.isReleased) return;
    this.isReleased = true;
    this.memory.giveBack(this.parts);
    this.parts = [];
    this.wake();
  }

  /** @throws what the sound failed with, or the signal's reason */
  async *read(signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    for (let index = 0; await this.has(index, signal); index += 1) {
      yield this.parts[index] ?? Buffer.alloc(0);
    }
  }

  /** Waits until that part is there; false where it never will be. */
  private async has(index: number, signal: AbortSignal): Promise<boolean> {
    while (index >= this.parts.length) {
      if (this.isReleased) throw new Error('The sound of this span was released; nobody may read it any more.');
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
