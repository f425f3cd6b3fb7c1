import type { Readable } from 'node:stream';

/** Enough that the program goes on while what it gave is worked on. */
const MAX_HELD_BYTES = 256 * 1024;

/**
 * What a program writes, in the pieces in which it comes. The stream's own iterator costs several turns of the event loop
 * for each piece, which for an hour of audio was as much as everything else that is done with them.
 *
 * It holds at most some hundred kilobytes and holds the program back then. For one reader.
 */
export class ProcessOutput {
  private readonly pieces: Buffer[] = [];
  private heldBytes = 0;
  private isOver = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  constructor(private readonly stream: Readable) {
    stream.on('data', (piece: Buffer) => {
      this.pieces.push(piece);
      this.heldBytes += piece.length;
      if (this.heldBytes >= MAX_HELD_BYTES) stream.pause();
      this.wake?.();
    });
    stream.once('error', (error) => {
      this.failure = error;
    });
    // Comes after the end and after an error, and alone where the stream was destroyed.
    stream.once('close', () => {
      this.isOver = true;
      this.wake?.();
    });
    stream.pause();
  }

  /** The next piece, undefined at the end and after the stream was destroyed. @throws what the stream failed with */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const piece = this.pieces.shift();
      if (piece) {
        this.heldBytes -= piece.length;
        return piece;
      }
      if (this.failure) throw this.failure;
      if (this.isOver) return undefined;
      await this.more();
    }
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
      if (this.stream.isPaused()) this.stream.resume();
    });
  }
}
