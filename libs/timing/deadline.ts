import { PolyscribeError } from '#contracts';

/**
 * The outcome of the work, or `dependency_unavailable` when it takes longer: the caller gets an answer, whatever the
 * network does. The work itself is not stopped and may still have its effect.
 */
export async function withDeadline<T>(work: Promise<T>, deadlineMs: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new PolyscribeError('dependency_unavailable', message)), deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
