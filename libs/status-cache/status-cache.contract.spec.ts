import { brokenRules, type ContractFixture } from '#testing';
import { NoStatusCache } from './no.status-cache.js';
import type { StatusCache } from './status-cache.port.js';
import { statusCacheContract, statusCacheRules, type TestBody } from './status-cache.contract.js';
import { MemoryStatusCache } from './testing/memory.status-cache.js';

function memoryFixture(Cache: typeof MemoryStatusCache): Promise<ContractFixture<StatusCache<TestBody>>> {
  const kept = new Map<string, string>();
  return Promise.resolve({ open: () => new Cache(kept), dispose: () => Promise.resolve() });
}

/** Each breaks one rule of a cache that is otherwise right. */
const faults: Record<string, { cache: typeof MemoryStatusCache; caughtBy: string }> = {
  'lets the last one win': {
    cache: class extends MemoryStatusCache {
      protected override mayReplace(): boolean {
        return true;
      }
    },
    caughtBy: 'never gives an older status than the newest put in, in whatever order they came',
  },
  'keeps the first one': {
    cache: class extends MemoryStatusCache {
      protected override mayReplace(current: unknown): boolean {
        return current === undefined;
      }
    },
    caughtBy: 'never gives an older status than the newest put in, in whatever order they came',
  },
  'loses text on the way': {
    cache: class extends MemoryStatusCache {
      protected override written(status: Parameters<MemoryStatusCache['put']>[0]): string {
        return JSON.stringify(status).replaceAll('\\u0000', '');
      }
    },
    caughtBy: 'gives a status as it was put in or not at all, hostile text as well, and to each job its own',
  },
  'forgets nothing': {
    cache: class extends MemoryStatusCache {
      override forget(): Promise<void> {
        return Promise.resolve();
      }
    },
    caughtBy: 'knows nothing of a job that was forgotten, and all of the others',
  },
  'forgets everything': {
    cache: class extends MemoryStatusCache {
      override forget(): Promise<void> {
        this.kept.clear();
        return Promise.resolve();
      }
    },
    caughtBy: 'knows nothing of a job that was forgotten, and all of the others',
  },
  'goes on after it was closed': {
    cache: class extends MemoryStatusCache {
      protected override isOpen(): boolean {
        return true;
      }
    },
    caughtBy: 'takes everything and knows nothing after it was closed',
  },
};

statusCacheContract('MemoryStatusCache', () => memoryFixture(MemoryStatusCache));

statusCacheContract('NoStatusCache', () =>
  Promise.resolve({ open: () => new NoStatusCache<TestBody>(), dispose: () => Promise.resolve() }),
);

describe('the status cache contract', () => {
  it.each(Object.entries(faults))('catches a cache that %s', async (_title, { cache, caughtBy }) => {
    expect(await brokenRules(statusCacheRules, () => memoryFixture(cache))).toEqual([caughtBy]);
  });
});
