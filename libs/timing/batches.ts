export interface BatchesOptions<Item, Result> {
  /** Does all of them together. Gives the result of each, in their order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Items in one batch at most. */
  readonly most: number;
  /** Whether all of a batch failed for what may be wrong with one of them: each is then tried by itself. */
  readonly isOfOne: (error: unknown) => boolean;
  /** Two items for which this is the same never are in one batch: the later one waits for the next. */
  readonly apart?: (item: Item) => string;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Does in one step what many ask for at the same time: while a batch is being done, what comes meanwhile gathers for the
 * next. Who asks alone is served at once. So a step that costs much by itself, such as a commit that has to reach the disk,
 * is paid once for all who wait for it.
 */
export class Batches<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private isBusy = false;

  /** @param options whose `run` has a deadline: nothing else is done until it has ended */
  constructor(private readonly options: BatchesOptions<Item, Result>) {}

  /** The item's result. @throws what `run` threw */
  async add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      if (!this.isBusy) this.begin();
    });
  }

  /** Not at once: others of the same moment may be about to ask. */
  private begin(): void {
    this.isBusy = true;
    setImmediate(() => void this.work());
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) await this.settle(this.next());
    this.isBusy = false;
  }

  private next(): Waiting<Item, Result>[] {
    const { most, apart } = this.options;
    const batch: Waiting<Item, Result>[] = [];
    const later: Waiting<Item, Result>[] = [];
    const seen = new Set<string>();
    for (const waiting of this.waiting) {
      const name = apart?.(waiting.item);
      const isFree = batch.length < most && (name === undefined || !seen.has(name));
      (isFree ? batch : later).push(waiting);
      // What was left for later keeps those behind it from overtaking it.
      if (name !== undefined) seen.add(name);
    }
    this.waiting = later;
    return batch;
  }

  private async settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.options.run(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error('A batch has not given a result for each of its items.');
      results.forEach((result, index) => batch[index]?.resolve(result));
    } catch (error) {
      if (batch.length > 1 && this.options.isOfOne(error)) {
        for (const waiting of batch) await this.settle([waiting]);
        return;
      }
      for (const { reject } of batch) reject(error);
    }
  }
}
