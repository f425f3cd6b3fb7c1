import type { PolyscribeError } from '#contracts';
import type { WaitedMs } from '#persistence';
import { backoffMs } from '#timing';
import { NobodyElse } from './span-tries.js';
import type { BackoffLimits } from './worker-settings.js';

/** What becomes of a job whose attempt failed. */
export type Verdict =
  | { readonly kind: 'fail' }
  | {
      readonly kind: 'again';
      readonly afterMs: number;
      readonly countAttempt: boolean;
      readonly waitsFor?: 'busy' | 'outage';
    };

export interface AttemptState {
  /** From 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** How long it has been waiting already for what it might wait for now. */
  readonly waitedMs: WaitedMs;
}

export interface VerdictLimits {
  readonly jobTimeoutMs: number;
  readonly busyWaitMs: number;
  readonly engineWaitPauseMs: number;
  readonly jobRetry: BackoffLimits;
}

/**
 * What the error table makes of a job's failed attempt:
 *
 * - All engines are busy: it waits its turn again, as it would in the queue, without using up an attempt.
 * - Nobody is to blame and it may pass (no engine, a dependency away): the same, but only until that has lasted as long
 *   as an attempt may take.
 * - An engine is down, or something went wrong here: again after a pause, while there are attempts left.
 * - The same where an engine failed with what another may not, and there was no other that might be asked.
 * - Anything else would end the same way: it fails.
 */
export function verdictOn(error: PolyscribeError, state: AttemptState, limits: VerdictLimits): Verdict {
  const { retry, engineFault } = error.row;
  const { engineWaitPauseMs } = limits;
  const { firstMs, maxMs } = limits.jobRetry;
  const mayPass = retry === 'later' || retry === 'other-engine-then-later';
  if (mayPass && !engineFault) {
    const waitsFor = retry === 'later' ? 'busy' : 'outage';
    const limitMs = waitsFor === 'busy' ? limits.busyWaitMs : limits.jobTimeoutMs;
    if (state.waitedMs[waitsFor] >= limitMs) return { kind: 'fail' };
    const afterMs = Math.max(backoffMs(1, engineWaitPauseMs, engineWaitPauseMs), error.retryAfterMs ?? 0);
    return { kind: 'again', afterMs: Math.min(afterMs, maxMs), countAttempt: false, waitsFor };
  }
  if ((mayPass || retry === 'queue' || error instanceof NobodyElse) && state.attempt < state.maxAttempts) {
    return { kind: 'again', afterMs: backoffMs(state.attempt, firstMs, maxMs), countAttempt: true };
  }
  return { kind: 'fail' };
}
