import { PolyscribeError } from '#contracts';

/**
 * The promise, or `dependency_unavailable` when it takes longer.
 *
 * @param what names what was waited for
 */
export async function withinDeadline<T>(promise: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new PolyscribeError('dependency_unavailable', `The ${what} did not answer in time; try again later.`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
