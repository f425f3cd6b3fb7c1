export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * The pause before try number `attempt` + 1: doubles each time up to the limit, and lies at random between half and whole
 * of that, so that many who failed together do not come back together.
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  const whole = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.max(0, attempt - 1));
  return Math.round(whole / 2 + (whole / 2) * random());
}
