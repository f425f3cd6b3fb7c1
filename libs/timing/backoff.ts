/**
 * How long to wait before the next attempt: doubles from `firstMs` up to `mostMs`, with jitter over the upper half so that
 * many clients that lost the same server do not come back at the same moment.
 *
 * @param attempt from 1
 */
export function backoffMs(attempt: number, firstMs: number, mostMs: number, random = Math.random): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(0, attempt - 1), 30));
  return Math.round(full / 2 + (random() * full) / 2);
}
