import { withDeadline } from '#timing';

/** A client that waits longer than that for a plain answer is better told to come back. */
const ANSWER_DEADLINE_MS = 1_900;

/** What an answer waits for, or `dependency_unavailable` when that takes longer than a client is to wait. */
export function inAnswerTime<T>(work: Promise<T>, whatAnswers = 'database'): Promise<T> {
  return withDeadline(work, ANSWER_DEADLINE_MS, `The ${whatAnswers} did not answer in time; try again later.`);
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
