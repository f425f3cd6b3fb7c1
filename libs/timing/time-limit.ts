export interface TimeLimit {
  /** Aborted when the time is over or the other signal is aborted. */
  readonly signal: AbortSignal;
  /** To be called once nobody listens any more. */
  clear(): void;
}

/**
 * A signal that ends with another one or after a time. `AbortSignal.any` does not do with an `AbortSignal.timeout` in it that
 * nothing else holds: Node collects the timeout with its clock, and who listens waits for ever.
 */
export function timeLimit(ms: number, other: AbortSignal): TimeLimit {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), ms);
  return { signal: AbortSignal.any([over.signal, other]), clear: () => clearTimeout(timer) };
}
