import type { JobEvent, JobEventBody } from '#contracts';
import { brokenRules, type ContractFixture } from '#testing';
import { eventBusContract, eventBusRules } from './event-bus.contract.js';
import type { EventBus, EventSubscription, PublishOptions } from './event-bus.port.js';
import type { Feed, Follower } from './feed.js';
import { emptyMemoryLog, MemoryEventBus } from './testing/memory.event-bus.js';

function memoryFixture(Bus: typeof MemoryEventBus): Promise<ContractFixture<EventBus>> {
  const log = emptyMemoryLog();
  const opened: EventBus[] = [];
  return Promise.resolve({
    open: () => {
      const bus = new Bus(log);
      opened.push(bus);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
    },
  });
}

/** Each breaks one rule of a bus that is otherwise right. */
const faults: Record<string, { bus: typeof MemoryEventBus; caughtBy: string }> = {
  'takes no notice of keys': {
    bus: class extends MemoryEventBus {
      override publish(jobId: string, events: readonly JobEventBody[]): Promise<readonly JobEvent[]> {
        return super.publish(jobId, events);
      }
    },
    caughtBy: 'drops what is published again under a key',
  },
  'numbers before it knows that it is alone': {
    bus: class extends MemoryEventBus {
      override async publish(
        jobId: string,
        events: readonly JobEventBody[],
        options: PublishOptions = {},
      ): Promise<readonly JobEvent[]> {
        const next = this.job(jobId).lastSeq;
        await Promise.resolve();
        this.job(jobId).lastSeq = next;
        return super.publish(jobId, events, options);
      }
    },
    caughtBy: 'keeps two publishers apart: no gap, no number twice, each batch in one piece',
  },
  'leaves a gap where a key was dropped': {
    bus: class extends MemoryEventBus {
      override async publish(
        jobId: string,
        events: readonly JobEventBody[],
        options: PublishOptions = {},
      ): Promise<readonly JobEvent[]> {
        const stored = await super.publish(jobId, events, options);
        if (stored.length < events.length) this.job(jobId).lastSeq += events.length;
        return stored;
      }
    },
    caughtBy: 'lets one of many that publish under a key at once win, and leaves no gap',
  },
  'repeats the event that the client has already': {
    bus: class extends MemoryEventBus {
      override subscribe(jobId: string, afterSeq: number): EventSubscription {
        return super.subscribe(jobId, afterSeq - 1);
      }
    },
    caughtBy: 'gives a subscriber that comes back exactly what it missed',
  },
  'reads the log first and listens afterwards': {
    bus: class extends MemoryEventBus {
      override subscribe(jobId: string, afterSeq: number): EventSubscription {
        const history = [...(this.log.jobs.get(jobId)?.events ?? [])].filter((event) => event.seq > afterSeq);
        const live = () => super.subscribe(jobId, this.log.jobs.get(jobId)?.lastSeq ?? 0);
        let closed: (() => void) | undefined;
        return {
          close: () => closed?.(),
          async *[Symbol.asyncIterator]() {
            yield* history;
            const subscription = live();
            closed = () => subscription.close();
            // The race makes the reader wait for news that it has missed: give up soon, as no client would.
            const late = setTimeout(closed, 200);
            yield* subscription;
            clearTimeout(late);
          },
        };
      }
    },
    caughtBy: 'loses and doubles nothing when events come while a subscriber arrives',
  },
  'pushes on to a follower that holds': {
    bus: class extends MemoryEventBus {
      override follow(jobId: string, afterSeq: number, follower: Follower<JobEvent>): Feed {
        return super.follow(jobId, afterSeq, {
          take: (event) => {
            follower.take(event);
            return true;
          },
          end: () => follower.end(),
        });
      }
    },
    caughtBy: 'pushes nothing to a follower that holds, goes on where that was, and ends once',
  },
  'forgets every job': {
    bus: class extends MemoryEventBus {
      override forget(): Promise<void> {
        this.log.jobs.clear();
        return Promise.resolve();
      }
    },
    caughtBy: 'forgets the log of one job and no other',
  },
  'forgets that it has forgotten': {
    bus: class extends MemoryEventBus {
      override forget(jobId: string): Promise<void> {
        this.log.jobs.delete(jobId);
        return Promise.resolve();
      }
    },
    caughtBy: 'takes nothing more of a job that it has forgotten',
  },
  'forgets what was there when it was asked to': {
    bus: class extends MemoryEventBus {
      override async forget(jobId: string): Promise<void> {
        const known = this.log.jobs.get(jobId)?.events.length ?? 0;
        await Promise.resolve();
        this.log.jobs.get(jobId)?.events.splice(0, known);
        this.log.forgotten.add(jobId);
      }
    },
    caughtBy: 'keeps nothing of what is published while it forgets',
  },
  'gives all the history there is': {
    bus: class extends MemoryEventBus {
      override history(jobId: string, afterSeq: number): Promise<readonly JobEvent[]> {
        return super.history(jobId, afterSeq, Number.POSITIVE_INFINITY);
      }
    },
    caughtBy: 'gives at most as much history as asked for',
  },
  'starts the sequence again after a log has expired': {
    bus: class extends MemoryEventBus {
      override async expire(olderThan: Date): Promise<number> {
        const expired = await super.expire(olderThan);
        for (const job of this.log.jobs.values()) if (job.events.length === 0) job.lastSeq = 0;
        return expired;
      }
    },
    caughtBy: 'expires logs by their last event, and goes on with the sequence after that',
  },
};

eventBusContract('MemoryEventBus', () => memoryFixture(MemoryEventBus));

describe('the event bus contract', () => {
  it.each(Object.entries(faults))('catches a bus that %s', async (_title, { bus, caughtBy }) => {
    const rules = eventBusRules.filter((rule) => rule.title === caughtBy);
    expect(await brokenRules(rules, () => memoryFixture(bus))).toEqual([caughtBy]);
  });
});
