/**
 * Waits for something, but not for ever.
 *
 * @throws Error naming it when it takes longer; what it does afterwards is nobody's business any more
 */
export async function withinTime<T>(what: string, limitMs: number, doing: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${Math.round(limitMs / 1000)} s.`)), limitMs);
  });
  try {
    return await Promise.race([doing, late]);
  } finally {
    clearTimeout(timer);
  }
}
