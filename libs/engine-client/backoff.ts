/** Time to wait after that many failures in a row (from 1): doubles up to the most, half of it by chance. */
export function backoffMs(failures: number, firstMs: number, mostMs: number, random = Math.random): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return ceiling / 2 + (ceiling / 2) * random();
}
