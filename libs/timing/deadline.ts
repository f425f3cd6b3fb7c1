import { PolyscribeError } from '#contracts';

/**
 * The outcome of the work, or an error when it takes longer: the caller gets an answer, whatever the network does. The
 * work itself is not stopped and may still have its effect.
 *
 * @param late the message of a `dependency_unavailable`, or what makes another error
 */
export async function withDeadline<T>(work: Promise<T>, deadlineMs: number, late: string | (() => Error)): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(typeof late === 'string' ? new PolyscribeError('dependency_unavailable', late) : late());
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
