import { brokenRules, type ContractFixture } from '#testing';
import { jobQueueContract, jobQueueRules } from './job-queue.contract.js';
import type { JobQueue, QueueConsumer, QueuedJob, QueueHandler } from './job-queue.port.js';
import { type MemoryEntry, MemoryJobQueue, noMemoryEntries } from './testing/memory.job-queue.js';

function memoryFixture(Queue: typeof MemoryJobQueue): Promise<ContractFixture<JobQueue>> {
  const entries = noMemoryEntries();
  const opened: JobQueue[] = [];
  return Promise.resolve({
    open: () => {
      const queue = new Queue(entries);
      opened.push(queue);
      return queue;
    },
    dispose: async () => {
      for (const queue of opened) await queue.close();
    },
  });
}

/** Each breaks one rule of a queue that is otherwise right. */
const faults: Record<string, { queue: typeof MemoryJobQueue; caughtBy: string }> = {
  'takes the lowest priority for the first': {
    queue: class extends MemoryJobQueue {
      protected override compare(a: MemoryEntry, b: MemoryEntry): number {
        return a.job.priority - b.job.priority || a.order - b.order;
      }
    },
    caughtBy: 'gives the highest priority first, and among equals the oldest',
  },
  'gives the newest first among equals': {
    queue: class extends MemoryJobQueue {
      protected override compare(a: MemoryEntry, b: MemoryEntry): number {
        return b.job.priority - a.job.priority || b.order - a.order;
      }
    },
    caughtBy: 'gives the highest priority first, and among equals the oldest',
  },
  'forgets what was put in while a handler had it': {
    queue: class extends MemoryJobQueue {
      override async enqueue(job: QueuedJob, delayMs?: number): Promise<void> {
        if (!(await this.has(job.jobId))) await super.enqueue(job, delayMs);
      }
    },
    caughtBy: 'gives work once more that was put in while a handler had it, after that handler has ended',
  },
  'gives work to a second handler while the first has it': {
    queue: class extends MemoryJobQueue {
      override async enqueue(job: QueuedJob, delayMs = 0): Promise<void> {
        if (this.entries.byJob.get(job.jobId)?.active) this.add(job, delayMs);
        else await super.enqueue(job, delayMs);
      }
    },
    caughtBy: 'gives work once more that was put in while a handler had it, after that handler has ended',
  },
  'takes no notice of the delay': {
    queue: class extends MemoryJobQueue {
      override enqueue(job: QueuedJob): Promise<void> {
        return super.enqueue(job);
      }
    },
    caughtBy: 'holds delayed work back until its time',
  },
  'counts delayed work as work that could be given out': {
    queue: class extends MemoryJobQueue {
      override waiting(): Promise<number> {
        return this.depth();
      }
    },
    caughtBy: 'counts what waits for its time with the rest, and not with what could be given out now',
  },
  'loses what a handler throws back': {
    queue: class extends MemoryJobQueue {
      override giveBack(entry: MemoryEntry): void {
        this.finish(entry);
      }
    },
    caughtBy: 'gives work out again that a handler gave back by throwing',
  },
  'takes work away from a handler': {
    queue: class extends MemoryJobQueue {
      override remove(jobId: string): Promise<void> {
        this.entries.byJob.delete(jobId);
        return Promise.resolve();
      }
    },
    caughtBy: 'leaves work to the handler that has it when it is removed',
  },
  'runs one handler more than it was told': {
    queue: class extends MemoryJobQueue {
      override consume(concurrency: number, handler: QueueHandler): QueueConsumer {
        return super.consume(concurrency + 1, handler);
      }
    },
    caughtBy: 'runs as many handlers at once as it was told, and no more',
  },
  'lets the work of a closing consumer lie for a while': {
    queue: class extends MemoryJobQueue {
      override giveBack(entry: MemoryEntry): void {
        super.giveBack(entry, 20_000);
      }
    },
    caughtBy: 'aborts the handlers when the grace is over, and gives their work to another at once',
  },
};

jobQueueContract('MemoryJobQueue', () => memoryFixture(MemoryJobQueue));

describe('the job queue contract', () => {
  it.each(Object.entries(faults))('catches a queue that %s', async (_title, { queue, caughtBy }) => {
    const rules = jobQueueRules.filter((rule) => rule.title === caughtBy);
    expect(await brokenRules(rules, () => memoryFixture(queue))).toEqual([caughtBy]);
  });
});
