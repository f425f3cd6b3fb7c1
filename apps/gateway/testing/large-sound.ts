import { silentWav } from './sounds.js';

/** Pieces are as large as gRPC clients send them. */
const CHUNK_BYTES = 256 * 1024;

/** A recording of so many bytes, made while it is sent: whoever sends it holds no more of it than whoever takes it. */
export function* largeSound(bytes: number): Generator<Buffer> {
  const head = silentWav(1);
  yield head;
  const chunk = Buffer.alloc(CHUNK_BYTES);
  for (let left = bytes - head.length; left > 0; left -= CHUNK_BYTES)
    yield chunk.subarray(0, Math.min(left, CHUNK_BYTES));
}

/** The same as the body of a request, between what goes before and after it. */
export function streamOf(sound: Iterator<Buffer>, before = '', after = ''): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (before !== '') controller.enqueue(Buffer.from(before));
    },
    pull(controller) {
      const next = sound.next();
      if (next.done !== true) {
        controller.enqueue(next.value);
        return;
      }
      if (after !== '') controller.enqueue(Buffer.from(after));
      controller.close();
    },
  });
}
