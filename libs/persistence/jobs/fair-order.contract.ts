import type { ContractRule } from '#testing';

/** Gives jobs out one by one. */
export interface JobTaker {
  /** Puts a job of that owner in and gives its id. */
  add(owner: string, priority?: number): Promise<string>;
  /** Takes the job whose turn it is; undefined when none waits. */
  take(): Promise<string | undefined>;
}

const BATCH = 30;

async function addAll(taker: JobTaker, ...jobs: readonly (readonly [string, number?])[]): Promise<string[]> {
  const ids: string[] = [];
  for (const job of jobs) ids.push(await taker.add(...job));
  return ids;
}

async function takeAll(taker: JobTaker): Promise<(string | undefined)[]> {
  const taken: (string | undefined)[] = [];
  for (let next = await taker.take(); next !== undefined; next = await taker.take()) taken.push(next);
  return taken;
}

/** In what order jobs of several owners are taken. */
export const fairOrderRules: readonly ContractRule<JobTaker>[] = [
  {
    title: 'takes the one job of an owner after at most one more of a batch that came before it',
    async check(fixture) {
      const taker = fixture.open();
      await addAll(taker, ...Array.from({ length: BATCH }, () => ['batch'] as const));
      await taker.take();
      const single = await taker.add('single');
      expect([await taker.take(), await taker.take()]).toContain(single);
      expect(await takeAll(taker)).toHaveLength(BATCH - 2);
    },
  },
  {
    title: 'takes turns between owners, and of each the oldest first',
    async check(fixture) {
      const taker = fixture.open();
      const a = await addAll(taker, ['a'], ['a'], ['a']);
      const b = await addAll(taker, ['b'], ['b']);
      const c = await addAll(taker, ['c']);
      expect(await takeAll(taker)).toEqual([a[0], b[0], c[0], a[1], b[1], a[2]]);
    },
  },
  {
    title: 'takes owners with a job each in the order in which they came',
    async check(fixture) {
      const taker = fixture.open();
      const ids = await addAll(taker, ['z'], ['m'], ['a'], ['q'], ['b']);
      expect(await takeAll(taker)).toEqual(ids);
    },
  },
  {
    title: 'takes the highest priority first, whoever had the last turn',
    async check(fixture) {
      const taker = fixture.open();
      const [low, mid] = await addAll(taker, ['patient', 0], ['patient', 5]);
      const high = await addAll(taker, ['hasty', 9], ['hasty', 9]);
      expect(await takeAll(taker)).toEqual([...high, mid, low]);
    },
  },
  {
    title: 'does not count a turn with one priority as a turn with another',
    async check(fixture) {
      const taker = fixture.open();
      const [a] = await addAll(taker, ['a', 3]);
      const [b] = await addAll(taker, ['b', 3], ['a', 9]);
      await taker.take();
      expect(await takeAll(taker)).toEqual([a, b]);
    },
  },
  {
    title: 'lets no newcomer pass an owner that waits for its turn',
    async check(fixture) {
      const taker = fixture.open();
      const a = await addAll(taker, ['a'], ['a'], ['a']);
      const taken = [await taker.take()];
      const newcomers: string[] = [];
      for (const name of ['n', 'o', 'p']) {
        newcomers.push(await taker.add(name));
        taken.push(await taker.take());
      }
      expect([...taken, ...(await takeAll(taker))]).toEqual([
        a[0],
        a[1],
        newcomers[0],
        a[2],
        newcomers[1],
        newcomers[2],
      ]);
    },
  },
];
