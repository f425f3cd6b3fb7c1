/**
 * Takes from each source in turn until all have ended. Leaving early closes those that have not, also when closing one of
 * them fails.
 */
export async function* interleave<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const open = new Set(sources);
  try {
    while (open.size > 0) {
      for (const source of [...open]) {
        const next = await source.next();
        if (next.done === true) open.delete(source);
        else yield next.value;
      }
    }
  } finally {
    await Promise.allSettled([...open].map((source) => source.return(undefined)));
  }
}
