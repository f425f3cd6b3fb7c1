import { Batches, type BatchesOptions } from './batches.js';

/** Batches of numbers, each of which is held until it is let go. */
function held(options: Partial<BatchesOptions<number, string>> = {}) {
  const runs: { readonly items: readonly number[]; readonly go: (error?: Error) => void }[] = [];
  const batches = new Batches<number, string>({
    most: 3,
    isOfOne: () => false,
    run: async (items) =>
      new Promise((resolve, reject) => {
        const go = (error?: Error) => (error ? reject(error) : resolve(items.map((item) => `did ${item}`)));
        runs.push({ items, go });
      }),
    ...options,
  });
  const next = async (count: number) => {
    while (runs.length < count) await new Promise((resolve) => setImmediate(resolve));
    return runs[count - 1] ?? { items: [], go: () => undefined };
  };
  return { batches, runs, next };
}

describe('Batches', () => {
  it('does together what is asked for in one moment', async () => {
    const { batches, next } = held();
    const both = Promise.all([batches.add(1), batches.add(2)]);
    const first = await next(1);
    expect(first.items).toEqual([1, 2]);
    first.go();
    expect(await both).toEqual(['did 1', 'did 2']);
  });

  it('gathers what comes while a batch is being done, up to the most', async () => {
    const { batches, next } = held();
    const all = [batches.add(1)];
    const first = await next(1);
    all.push(...[2, 3, 4, 5].map(async (item) => batches.add(item)));
    first.go();
    const second = await next(2);
    expect(second.items).toEqual([2, 3, 4]);
    second.go();
    (await next(3)).go();
    expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5].map((item) => `did ${item}`));
  });

  it('keeps items of one name apart and in their order', async () => {
    const { batches, runs, next } = held({ apart: (item) => String(item % 10) });
    const all = [11, 21, 2, 31].map(async (item) => batches.add(item));
    for (let count = 1; count <= 3; count += 1) (await next(count)).go();
    expect(await Promise.all(all)).toEqual(['did 11', 'did 21', 'did 2', 'did 31']);
    expect(runs.map(({ items }) => items)).toEqual([[11, 2], [21], [31]]);
  });

  it('does items of different lines side by side', async () => {
    const { batches, next } = held({ line: (item) => String(item % 10) });
    const all = [11, 2, 21].map(async (item) => batches.add(item));
    const [first, second] = [await next(1), await next(2)];
    expect([first.items, second.items]).toEqual([[11, 21], [2]]);
    second.go();
    expect(await all[1]).toBe('did 2');
    first.go();
    expect(await Promise.all(all)).toEqual(['did 11', 'did 2', 'did 21']);
  });

  it('fails all of a batch with what it threw, and goes on', async () => {
    const { batches, next } = held();
    const both = Promise.allSettled([batches.add(1), batches.add(2)]);
    const gone = new Error('gone');
    (await next(1)).go(gone);
    expect(await both).toEqual([
      { status: 'rejected', reason: gone },
      { status: 'rejected', reason: gone },
    ]);
    const third = batches.add(3);
    (await next(2)).go();
    expect(await third).toBe('did 3');
  });

  it('fails with what others failed with who has waited too long behind them', async () => {
    const { batches, runs, next } = held({ most: 1, patienceMs: 0 });
    const all = Promise.allSettled([1, 2, 3].map(async (item) => batches.add(item)));
    const gone = new Error('gone');
    (await next(1)).go(gone);
    expect(await all).toEqual(Array.from({ length: 3 }, () => ({ status: 'rejected', reason: gone })));
    expect(runs).toHaveLength(1);
    const patient = held({ most: 1, patienceMs: 600_000 });
    const outcomes = Promise.allSettled([1, 2].map(async (item) => patient.batches.add(item)));
    (await patient.next(1)).go(gone);
    (await patient.next(2)).go();
    expect(await outcomes).toMatchObject([{ reason: gone }, { value: 'did 2' }]);
  });

  it('lets nobody wait for another outage while it tries each by itself', async () => {
    const tried: (readonly number[])[] = [];
    const run = async (items: readonly number[]) => {
      await Promise.resolve();
      tried.push(items);
      throw items.length > 1 ? new RangeError('one of them') : new Error('gone');
    };
    const batches = new Batches({ most: 9, run, isOfOne: (error) => error instanceof RangeError });
    const outcomes = await Promise.allSettled([1, 2, 3].map(async (item) => batches.add(item)));
    expect(outcomes.map((outcome) => 'reason' in outcome && String(outcome.reason))).toEqual(
      Array.from({ length: 3 }, () => 'Error: gone'),
    );
    expect(tried).toEqual([[1, 2, 3], [1]]);
  });

  it('tries each by itself where one may be to blame', async () => {
    const run = async (items: readonly number[]) => {
      await Promise.resolve();
      if (items.includes(13)) throw new RangeError('no 13');
      return items.map((item) => `did ${item}`);
    };
    const batches = new Batches({ most: 9, run, isOfOne: (error) => error instanceof RangeError });
    const outcomes = await Promise.allSettled([12, 13, 14].map(async (item) => batches.add(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails a batch that gives too few results', async () => {
    const batches = new Batches<number, number>({ most: 9, run: () => Promise.resolve([]), isOfOne: () => false });
    await expect(batches.add(1)).rejects.toThrow(/result for each/);
  });
});
