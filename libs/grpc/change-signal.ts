/**
 * Lets any number of readers wait for the next change of something without losing one: a reader names the revision that
 * it has seen, and a change that came since then answers at once.
 */
export class ChangeSignal {
  private current = 0;
  private readonly waiting = new Set<() => void>();

  /** Rises by one with each change. */
  get revision(): number {
    return this.current;
  }

  notify(): void {
    this.current += 1;
    for (const wake of [...this.waiting]) wake();
  }

  /** Resolves with true once the revision is past `seen`, with false when the signal aborts first. */
  after(seen: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.current !== seen) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (changed: boolean): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', abort);
        resolve(changed);
      };
      const wake = (): void => settle(true);
      const abort = (): void => settle(false);
      this.waiting.add(wake);
      signal.addEventListener('abort', abort, { once: true });
    });
  }
}
