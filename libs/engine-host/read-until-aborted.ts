import { PolyscribeError } from '#contracts';

/**
 * The source's items until the signal aborts, also while the source keeps its reader waiting. Closes the source's iterator
 * when the reader leaves early, for whatever reason.
 *
 * @throws PolyscribeError `cancelled` when the signal aborts; what the source throws
 */
export async function* readUntilAborted<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void> {
  failIfAborted(signal);
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      // Anything but an answer from the source leaves `isOver` false, so that the source is closed below.
      const result = await untilAborted(
        iterator.next().catch((thrown: unknown) => {
          isOver = true;
          throw thrown;
        }),
        signal,
      );
      if (result.done) {
        isOver = true;
        return;
      }
      yield result.value;
    }
  } finally {
    // Not awaited: a generator that is held up in `next` closes only after it.
    if (!isOver) void iterator.return?.().then(undefined, () => undefined);
  }
}

/** The promise's outcome, or `cancelled` as soon as the signal aborts. */
export function untilAborted<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new PolyscribeError('cancelled', 'The call was cancelled.'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    pending.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

/** @throws PolyscribeError `cancelled` when the signal is aborted */
export function failIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new PolyscribeError('cancelled', 'The call was cancelled.');
}
