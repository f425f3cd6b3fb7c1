import { PolyscribeError } from '#contracts';
import { withDeadline } from '#timing';
import type { SubmissionPart } from './submission-part.js';

/**
 * The parts of a submission, as long as the client does not keep us waiting for them. Time that is spent on a part once it
 * is there, such as reading its file, does not count.
 *
 * @param limitMs for all parts together: a client that drips fields holds a connection as one does that sends none
 * @throws PolyscribeError `invalid_request` when it is used up
 */
export async function* partsInTime(
  parts: AsyncIterable<SubmissionPart>,
  limitMs: number,
): AsyncGenerator<SubmissionPart> {
  const iterator = parts[Symbol.asyncIterator]();
  let leftMs = limitMs;
  try {
    for (;;) {
      const asked = performance.now();
      const next = await withDeadline(iterator.next(), leftMs, () => tooLate(limitMs));
      leftMs -= performance.now() - asked;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not waited for: an iterator that hangs ends when the connection does.
    void iterator.return?.(undefined).catch(() => undefined);
  }
}

function tooLate(limitMs: number): PolyscribeError {
  const message = `The client sent nothing of use for ${limitMs / 1000} s; send the options and the file without a pause.`;
  return new PolyscribeError('invalid_request', message);
}
