/**
 * Hands items from one asynchronous task to another, in order. It has no bound of its own: the giver must not run ahead.
 * After `fail` the taker gets the error at once, whatever is still waiting.
 */
export class HandOver<T> {
  private readonly items: T[] = [];
  private closed = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  push(item: T): void {
    this.items.push(item);
    this.wake?.();
  }

  close(): void {
    this.closed = true;
    this.wake?.();
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.wake?.();
  }

  /** The next item; undefined when all have been taken and no more will come. One taker at a time. */
  async take(): Promise<T | undefined> {
    while (this.failure === undefined && this.items.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.failure) throw this.failure;
    return this.items.shift();
  }
}
