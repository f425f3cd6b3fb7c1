/**
 * One source for several readers, in step: the source is pulled once all who still read want more, so that nothing piles
 * up. A reader that leaves no longer counts; when all have left, the source is closed.
 */
export function tee(source: AsyncIterable<Uint8Array>, readers: number): AsyncIterable<Uint8Array>[] {
  return new Splitter(source, readers).branches;
}

type Result = IteratorResult<Uint8Array, undefined>;

interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

class Splitter {
  readonly branches: AsyncIterable<Uint8Array>[];
  private readonly waiting = new Map<number, Waiting>();
  private readonly reading: Set<number>;
  private iterator: AsyncIterator<Uint8Array> | undefined;
  private isPulling = false;

  constructor(
    private readonly source: AsyncIterable<Uint8Array>,
    readers: number,
  ) {
    const indices = Array.from({ length: readers }, (_, index) => index);
    this.reading = new Set(indices);
    this.branches = indices.map((index) => ({ [Symbol.asyncIterator]: () => this.branch(index) }));
  }

  private branch(index: number): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () => {
        if (!this.reading.has(index)) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve, reject) => {
          this.waiting.set(index, { resolve, reject });
          void this.pull();
        });
      },
      return: () => {
        this.leave(index);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  private leave(index: number): void {
    this.reading.delete(index);
    this.waiting.get(index)?.resolve({ done: true, value: undefined });
    this.waiting.delete(index);
    if (this.reading.size === 0) void this.iterator?.return?.().then(undefined, () => undefined);
    else void this.pull();
  }

  private async pull(): Promise<void> {
    if (this.isPulling || this.waiting.size === 0 || this.waiting.size < this.reading.size) return;
    this.isPulling = true;
    try {
      this.iterator ??= this.source[Symbol.asyncIterator]();
      const next = await this.iterator.next();
      if (next.done === true) this.reading.clear();
      const result: Result = next.done === true ? { done: true, value: undefined } : next;
      this.settle(({ resolve }) => resolve(result));
    } catch (error) {
      this.reading.clear();
      this.settle(({ reject }) => reject(error));
    } finally {
      this.isPulling = false;
    }
  }

  private settle(tell: (waiting: Waiting) => void): void {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    all.forEach(tell);
  }
}
