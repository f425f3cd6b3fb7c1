import { brokenRules, type ContractFixture, describeContract } from '#testing';
import { fairOrderRules, type JobTaker } from './fair-order.contract.js';

interface Waiting {
  readonly id: string;
  readonly owner: string;
  readonly priority: number;
  readonly order: number;
}

/** The order in its plainest form, to check the rules with. */
class MemoryTaker implements JobTaker {
  protected readonly served = new Map<string, number>();
  private waiting: readonly Waiting[] = [];
  private clock = 0;

  add(owner: string, priority = 5): Promise<string> {
    this.clock += 1;
    const id = String(this.clock);
    this.waiting = [...this.waiting, { id, owner, priority, order: this.clock }];
    return Promise.resolve(id);
  }

  take(): Promise<string | undefined> {
    const [first] = this.waiting.toSorted((a, b) => this.compare(a, b));
    if (!first) return Promise.resolve(undefined);
    this.waiting = this.waiting.filter((job) => job !== first);
    this.clock += 1;
    this.served.set(this.turnKey(first), this.clock);
    return Promise.resolve(first.id);
  }

  protected compare(a: Waiting, b: Waiting): number {
    return b.priority - a.priority || this.turn(a) - this.turn(b) || a.order - b.order;
  }

  protected turnKey({ owner, priority }: Waiting): string {
    return `${priority} ${owner}`;
  }

  /** Since when the job's owner waits for a turn. */
  protected turn(job: Waiting): number {
    const due = Math.min(
      ...this.waiting.filter((other) => this.turnKey(other) === this.turnKey(job)).map((o) => o.order),
    );
    return Math.max(due, this.served.get(this.turnKey(job)) ?? 0);
  }
}

function fixture(Taker: typeof MemoryTaker): Promise<ContractFixture<JobTaker>> {
  const taker = new Taker();
  return Promise.resolve({ open: () => taker, dispose: () => Promise.resolve() });
}

/** Each breaks one rule of an order that is otherwise right. */
const faults: Record<string, { taker: typeof MemoryTaker; caughtBy: string }> = {
  'goes by age alone and lets a batch go first': {
    taker: class extends MemoryTaker {
      protected override turn(): number {
        return 0;
      }
    },
    caughtBy: 'takes the one job of an owner after at most one more of a batch that came before it',
  },
  'takes the newest of an owner first': {
    taker: class extends MemoryTaker {
      protected override compare(a: Waiting, b: Waiting): number {
        return b.priority - a.priority || this.turn(a) - this.turn(b) || b.order - a.order;
      }
    },
    caughtBy: 'takes turns between owners, and of each the oldest first',
  },
  'goes by the names of owners': {
    taker: class extends MemoryTaker {
      protected override turn({ owner }: Waiting): number {
        return owner.charCodeAt(0);
      }
    },
    caughtBy: 'takes owners with a job each in the order in which they came',
  },
  'puts turns before priority': {
    taker: class extends MemoryTaker {
      protected override compare(a: Waiting, b: Waiting): number {
        return this.turn(a) - this.turn(b) || a.order - b.order;
      }
    },
    caughtBy: 'takes the highest priority first, whoever had the last turn',
  },
  'has one turn for all priorities': {
    taker: class extends MemoryTaker {
      protected override turn(job: Waiting): number {
        return Math.max(job.order, ...[0, 3, 5, 9].map((p) => this.served.get(`${p} ${job.owner}`) ?? 0));
      }
    },
    caughtBy: 'does not count a turn with one priority as a turn with another',
  },
  'lets owners that were never served go first': {
    taker: class extends MemoryTaker {
      protected override turn(job: Waiting): number {
        return this.served.get(this.turnKey(job)) ?? 0;
      }
    },
    caughtBy: 'lets no newcomer pass an owner that waits for its turn',
  },
};

describeContract('MemoryTaker', fairOrderRules, () => fixture(MemoryTaker));

describe('the rules of fair order', () => {
  it.each(Object.entries(faults))('catch an order that %s', async (_title, { taker, caughtBy }) => {
    expect(await brokenRules(fairOrderRules, () => fixture(taker))).toContain(caughtBy);
  });
});
