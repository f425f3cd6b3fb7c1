export interface BatchesOptions<Item, Result> {
  /** Does all of them together. Gives the result of each, in their order. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Items in one batch at most. */
  readonly most: number;
  /**
   * Whether all of a batch failed for what may be wrong with one of them: each is then tried by itself. Any other failure
   * would meet those behind it as well, so whoever has waited for long fails with it.
   */
  readonly isOfOne: (error: unknown) => boolean;
  /** Two items for which this is the same never are in one batch: the later one waits for the next. */
  readonly apart?: (item: Item) => string;
  /** Items for which this differs are never in one batch, and are done side by side. All are of one line by default. */
  readonly line?: (item: Item) => string;
  /** For how long an item waits while others fail before it; 5 s by default. */
  readonly patienceMs?: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  readonly sinceMs: number;
}

/** What a batch failed with that is not the matter of one item. */
interface Outage {
  readonly error: unknown;
}

const PATIENCE_MS = 5_000;

/**
 * Does in one step what many ask for at the same time: while a batch is being done, what comes meanwhile gathers for the
 * next. Who asks alone is served at once. So a step that costs much by itself, such as a commit that has to reach the disk,
 * is paid once for all who wait for it.
 */
export class Batches<Item, Result> {
  /** Those that have something to do. */
  private readonly lines = new Map<string, Waiting<Item, Result>[]>();

  /** @param options whose `run` has a deadline: nothing else of its line is done until it has ended */
  constructor(private readonly options: BatchesOptions<Item, Result>) {}

  /** The item's result. @throws what `run` threw */
  async add(item: Item): Promise<Result> {
    const line = this.options.line?.(item) ?? '';
    return new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject, sinceMs: performance.now() };
      const others = this.lines.get(line);
      if (others) others.push(waiting);
      else this.begin(line, waiting);
    });
  }

  /** Not at once: others of the same moment may be about to ask. */
  private begin(line: string, first: Waiting<Item, Result>): void {
    this.lines.set(line, [first]);
    setImmediate(() => void this.work(line));
  }

  private async work(line: string): Promise<void> {
    for (let batch = this.next(line); batch.length > 0; batch = this.next(line)) {
      const outage = await this.settle(batch);
      if (outage) this.giveUp(line, outage);
    }
    this.lines.delete(line);
  }

  /** Lets nobody wait for one failure after the other: each may take as long as `run` may. */
  private giveUp(line: string, { error }: Outage): void {
    const latestMs = performance.now() - (this.options.patienceMs ?? PATIENCE_MS);
    const waiting = this.lines.get(line) ?? [];
    this.lines.set(
      line,
      waiting.filter(({ sinceMs }) => sinceMs > latestMs),
    );
    for (const { reject, sinceMs } of waiting) if (sinceMs <= latestMs) reject(error);
  }

  private next(line: string): Waiting<Item, Result>[] {
    const { most, apart } = this.options;
    const batch: Waiting<Item, Result>[] = [];
    const later: Waiting<Item, Result>[] = [];
    const seen = new Set<string>();
    for (const waiting of this.lines.get(line) ?? []) {
      const name = apart?.(waiting.item);
      const isFree = batch.length < most && (name === undefined || !seen.has(name));
      (isFree ? batch : later).push(waiting);
      // What was left for later keeps those behind it from overtaking it.
      if (name !== undefined) seen.add(name);
    }
    this.lines.set(line, later);
    return batch;
  }

  private async settle(batch: readonly Waiting<Item, Result>[]): Promise<Outage | undefined> {
    try {
      const results = await this.options.run(batch.map(({ item }) => item));
      if (results.length !== batch.length) throw new Error('A batch has not given a result for each of its items.');
      results.forEach((result, index) => batch[index]?.resolve(result));
      return undefined;
    } catch (error) {
      const isOfOne = this.options.isOfOne(error);
      if (batch.length > 1 && isOfOne) return this.settleEach(batch);
      for (const { reject } of batch) reject(error);
      return isOfOne ? undefined : { error };
    }
  }

  private async settleEach(batch: readonly Waiting<Item, Result>[]): Promise<Outage | undefined> {
    for (const [index, waiting] of batch.entries()) {
      const outage = await this.settle([waiting]);
      if (!outage) continue;
      for (const { reject } of batch.slice(index + 1)) reject(outage.error);
      return outage;
    }
    return undefined;
  }
}
