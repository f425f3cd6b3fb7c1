import { PolyscribeError } from '#contracts';

/** A client that waits longer than that for a plain answer is better told to come back. */
export const ANSWER_DEADLINE_MS = 1_900;

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

/** How long an answer waits for queue and event bus. */
const PATIENCE_MS = 500;

/**
 * Waits for a hand-over, but not for long: what it tells is done already, and whoever asked for it is waiting for the
 * answer. It goes on by itself, and each of its steps has a deadline of its own.
 */
export async function briefly(handOver: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  try {
    await Promise.race([handOver, patience]);
  } finally {
    clearTimeout(timer);
  }
}
