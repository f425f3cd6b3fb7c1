import type { EngineInstance } from '#contracts';

export interface CallDeadlines {
  /** An instance that nobody has measured gets this long and `callMsPerAudioMs` for each millisecond of audio. */
  readonly callBaseMs: number;
  readonly callMsPerAudioMs: number;
  /** One that was measured gets this long and a multiple of the work that it needed so far. */
  readonly callFloorMs: number;
  /** No call takes longer than the whole attempt may. */
  readonly jobTimeoutMs: number;
}

/** Fewer calls tell little: the first may have loaded the model. */
const ENOUGH_CALLS = 3;

/** How much slower than on average a call may be before it counts as hung, and how much slower than the slowest. */
const SLACK = 8;
const SLACK_OVER_SLOWEST = 3;

/** How long an engine may work at a piece of audio before the call is broken off and another engine is asked. */
export function callDeadlineMs(
  { stats }: Pick<EngineInstance, 'stats'>,
  audioMs: number | undefined,
  limits: CallDeadlines,
): number {
  if (audioMs === undefined) return limits.jobTimeoutMs;
  const { realTimeFactor, p95Ms = 0, calls } = stats;
  const expectedMs =
    realTimeFactor === undefined || calls < ENOUGH_CALLS
      ? limits.callBaseMs + limits.callMsPerAudioMs * audioMs
      : limits.callFloorMs + Math.max(SLACK * realTimeFactor, (SLACK_OVER_SLOWEST * p95Ms) / 1000) * audioMs;
  return Math.min(limits.jobTimeoutMs, expectedMs);
}
