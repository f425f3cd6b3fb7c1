/** Sound goes to engines in pieces of eight seconds: small beside a span, and few enough that their number costs little. */
export const PIECE_BYTES = 256_000;

/** Some three spans. What is given back beyond that is left to the garbage collector. */
const MAX_FREE_PIECES = 64;

/**
 * Memory for the sound of a recording's spans, used again from span to span. Left to the garbage collector, sound that has
 * outlived a few of its rounds while an engine worked makes it mark the whole heap anew for each 64 MB, half an hour of audio.
 *
 * One for each recording, so that none hears what is left of another and the memory goes with the last span.
 */
export class SoundMemory {
  private readonly free: Buffer[] = [];

  /** A copy of that sound, in pieces of `PIECE_BYTES` and a smaller one at the end. */
  keep(sound: Uint8Array): Buffer[] {
    const pieces: Buffer[] = [];
    for (let at = 0; at < sound.length; at += PIECE_BYTES) {
      const part = sound.subarray(at, at + PIECE_BYTES);
      const piece = (part.length === PIECE_BYTES ? this.free.pop() : undefined) ?? Buffer.allocUnsafeSlow(part.length);
      piece.set(part);
      pieces.push(piece);
    }
    return pieces;
  }

  /** Takes pieces back that nobody reads any more. */
  giveBack(pieces: readonly Buffer[]): void {
    const whole = pieces.filter((piece) => piece.length === PIECE_BYTES);
    this.free.push(...whole.slice(0, MAX_FREE_PIECES - this.free.length));
  }
}
