import { interruptionOf } from './interruption.js';

/**
 * Waits for work that is meant to end when its signal is aborted, and at most that long once it is: what does not let go
 * must not hold the job.
 *
 * @throws what the work throws; the interruption when it did not end in time
 */
export async function settledWithin<T>(work: Promise<T>, signal: AbortSignal, settleMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(interruptionOf(signal) ?? new Error('not aborted')), settleMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  overdue.catch(() => undefined);
  try {
    return await Promise.race([work, overdue]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }
}
