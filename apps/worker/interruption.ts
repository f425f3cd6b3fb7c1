/**
 * Why a job's work is broken off from outside:
 *
 * - `cancel`: the client wants it
 * - `lost`: the lease is over, somebody else may have the job already
 * - `stop`: the worker stops and hands the job back
 * - `timeout`: the attempt took longer than it may
 */
export type InterruptionKind = 'cancel' | 'lost' | 'stop' | 'timeout';

/** The reason with which the signal of a job's work is aborted. */
export class Interruption extends Error {
  // The name that platform calls give to what an aborted signal throws, so that libraries take it for an abort.
  override readonly name = 'AbortError';

  constructor(readonly kind: InterruptionKind) {
    super(`The work was broken off: ${kind}.`);
  }
}

/** The interruption behind an aborted signal; undefined while it is not aborted. */
export function interruptionOf(signal: AbortSignal): Interruption | undefined {
  if (!signal.aborted) return undefined;
  return signal.reason instanceof Interruption ? signal.reason : new Interruption('stop');
}
