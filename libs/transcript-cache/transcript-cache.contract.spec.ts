import { brokenRules, type ContractFixture } from '#testing';
import { NoTranscriptCache } from './no.transcript-cache.js';
import { MemoryTranscriptCache } from './testing/memory.transcript-cache.js';
import { transcriptCacheContract, transcriptCacheRules } from './transcript-cache.contract.js';
import type { TranscriptCache } from './transcript-cache.port.js';

function memoryFixture(Cache: typeof MemoryTranscriptCache): Promise<ContractFixture<TranscriptCache>> {
  const kept = new Map<string, string>();
  return Promise.resolve({ open: () => new Cache(kept), dispose: () => Promise.resolve() });
}

/** Each breaks one rule of a cache that is otherwise right. */
const faults: Record<string, { cache: typeof MemoryTranscriptCache; caughtBy: string }> = {
  'gives what it has, whatever the revision': {
    cache: class extends MemoryTranscriptCache {
      protected override isAt(): boolean {
        return true;
      }
    },
    caughtBy: 'never gives what was there at another revision, in whatever order they came',
  },
  'loses text on the way': {
    cache: class extends MemoryTranscriptCache {
      protected override written(cached: Parameters<MemoryTranscriptCache['put']>[0]): string {
        return JSON.stringify(cached).replaceAll('\\u0000', '');
      }
    },
    caughtBy: 'gives a transcript as it was put in or not at all, hostile text as well, and to each job its own',
  },
  'forgets nothing': {
    cache: class extends MemoryTranscriptCache {
      override forget(): Promise<void> {
        return Promise.resolve();
      }
    },
    caughtBy: 'knows nothing of a job that was forgotten, and all of the others',
  },
  'forgets everything': {
    cache: class extends MemoryTranscriptCache {
      override forget(): Promise<void> {
        this.kept.clear();
        return Promise.resolve();
      }
    },
    caughtBy: 'knows nothing of a job that was forgotten, and all of the others',
  },
  'goes on after it was closed': {
    cache: class extends MemoryTranscriptCache {
      protected override isOpen(): boolean {
        return true;
      }
    },
    caughtBy: 'takes everything and knows nothing after it was closed',
  },
};

transcriptCacheContract('MemoryTranscriptCache', () => memoryFixture(MemoryTranscriptCache));

transcriptCacheContract('NoTranscriptCache', () =>
  Promise.resolve({ open: () => new NoTranscriptCache(), dispose: () => Promise.resolve() }),
);

describe('the transcript cache contract', () => {
  it.each(Object.entries(faults))('catches a cache that %s', async (_title, { cache, caughtBy }) => {
    expect(await brokenRules(transcriptCacheRules, () => memoryFixture(cache))).toEqual([caughtBy]);
  });
});
