/** Milliseconds as seconds with at most three decimals, so that 70 ms is 0.07 and not 0.07000000000000001. */
export function toSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}
