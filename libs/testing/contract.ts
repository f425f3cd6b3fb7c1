import { patienceMs } from './eventually.js';

/** Long enough for what a broken implementation in memory does at all. */
const PATIENCE_WITH_BROKEN_MS = 1_000;

/** What a rule of a contract works on: a backing of its own, and as many instances over it as it opens. */
export interface ContractFixture<T> {
  /** One more instance over the same backing, as another process would have it. */
  open(): T;
  /** Closes every instance and removes the backing. */
  dispose(): Promise<void>;
}

export type MakeFixture<T> = () => Promise<ContractFixture<T>>;

/** One thing that every twin of a port must do. */
export interface ContractRule<T> {
  /** A sentence about behaviour. */
  readonly title: string;
  check(fixture: ContractFixture<T>): Promise<void>;
}

/** Runs every rule as a test of its own, each on a fresh fixture. */
export function describeContract<T>(name: string, rules: readonly ContractRule<T>[], make: MakeFixture<T>): void {
  describe(name, () => {
    it.each(rules.map((rule) => [rule.title, rule] as const))('%s', async (_title, rule) => {
      const fixture = await make();
      try {
        await rule.check(fixture);
      } finally {
        await fixture.dispose();
      }
    });
  });
}

/** The titles of the rules that the implementation breaks: shows that a suite catches what it is there to catch. */
export async function brokenRules<T>(rules: readonly ContractRule<T>[], make: MakeFixture<T>): Promise<string[]> {
  const broken: string[] = [];
  for (const rule of rules) {
    const fixture = await make();
    try {
      await patienceMs.run(PATIENCE_WITH_BROKEN_MS, () => rule.check(fixture));
    } catch {
      broken.push(rule.title);
    } finally {
      await fixture.dispose();
    }
  }
  return broken;
}
