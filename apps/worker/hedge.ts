import type { EngineInstance } from '#contracts';
import type { JobRun, SpanWork } from './job-run.js';

/** With fewer calls the slowest of them says little. */
const ENOUGH_CALLS = 20;
/** No instance is doubted sooner: a second call costs more than that saves. */
const SOONEST_MS = 1_000;

/** A file is short while that much audio is all of it. */
const ROUNDING_MS = 500;

/**
 * After how long a call for a whole short file is slower than nineteen in twenty of that instance, so that another one is
 * asked as well; undefined where nobody is to be asked.
 */
export function hedgeAfterMs({ stats }: EngineInstance, work: SpanWork, run: JobRun): number | undefined {
  const { lengthMs } = work;
  if (lengthMs === undefined || stats.p95Ms === undefined || stats.calls < ENOUGH_CALLS) return undefined;
  if (run.progress.expectedMs > lengthMs + ROUNDING_MS) return undefined;
  return Math.max(SOONEST_MS, stats.queueMs + (stats.p95Ms * lengthMs) / 1000);
}

/** Two calls for the same span, of which one is to win. */
export interface HedgedCalls<T> {
  readonly first: Promise<T>;
  readonly second: Promise<T>;
  /** Break a call off; it then ends soon. */
  readonly stopFirst: () => void;
  readonly stopSecond: () => void;
}

/** Which call has won, and what it gave. */
export type HedgeOutcome<T> = { readonly by: 'first' | 'second'; readonly value: T } | { readonly by: 'neither' };

/** What the call that succeeds first gives. The other one has been broken off and has ended when this resolves. */
export async function firstToSucceed<T>(calls: HedgedCalls<T>): Promise<HedgeOutcome<T>> {
  const { first, second, stopFirst, stopSecond } = calls;
  const won = await Promise.any([
    first.then((value) => ({ by: 'first' as const, value })),
    second.then((value) => ({ by: 'second' as const, value })),
  ]).catch(() => ({ by: 'neither' as const }));
  if (won.by === 'first') stopSecond();
  else if (won.by === 'second') stopFirst();
  await Promise.allSettled([first, second]);
  return won;
}
