import { randomUUID } from 'node:crypto';
import { endsStream, type JobEvent, type JobEventBody } from '#contracts';
import { type ContractRule, describeContract, eventually, type MakeFixture } from '#testing';
import type { EventBus, EventSubscription } from './event-bus.port.js';

const SUBSCRIBERS = 200;

function delta(text: string): JobEventBody {
  return { type: 'delta', data: { segment_id: randomUUID(), span: 0, text, t0: 0, t1: 1 } };
}

function deltas(count: number, label = 'event'): JobEventBody[] {
  return Array.from({ length: count }, (_, index) => delta(`${label} ${String(index)}`));
}

function cancelled(jobId: string): JobEventBody {
  return { type: 'cancelled', data: { job_id: jobId } };
}

function textsOf(events: readonly JobEvent[]): string[] {
  return events.map((event) => (event.type === 'delta' ? event.data.text : event.type));
}

function seqsOf(events: readonly JobEvent[]): number[] {
  return events.map((event) => event.seq);
}

function fromTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Reads on until the event that ends the stream. */
async function toTheEnd(subscription: EventSubscription, onEvent?: (event: JobEvent) => void): Promise<JobEvent[]> {
  const seen: JobEvent[] = [];
  for await (const event of subscription) {
    seen.push(event);
    onEvent?.(event);
    if (endsStream(event.type)) break;
  }
  return seen;
}

export const eventBusRules: readonly ContractRule<EventBus>[] = [
  {
    title: 'numbers the events of a job from 1 without gaps, each job for itself',
    async check(fixture) {
      const bus = fixture.open();
      const [one, other] = [randomUUID(), randomUUID()];
      expect(seqsOf(await bus.publish(one, deltas(3)))).toEqual([1, 2, 3]);
      expect(seqsOf(await bus.publish(other, deltas(1)))).toEqual([1]);
      expect(seqsOf(await bus.publish(one, deltas(2)))).toEqual([4, 5]);
      expect(await bus.publish(one, [])).toEqual([]);
      expect(seqsOf(await bus.history(one, 0, 100))).toEqual([1, 2, 3, 4, 5]);
    },
  },
  {
    title: 'gives back every event as it was published, hostile text as well',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      const events: JobEventBody[] = [
        delta('quotes " and \' and \\ and 例 and 🎧'),
        delta('nul \0, half a pair \ud83c, bell \u0007'),
        delta('x'.repeat(100_000)),
        { type: 'partial', data: { span: 2, text: '', t0: 0.125 } },
        { type: 'void', data: { span: 2 } },
      ];
      await bus.publish(jobId, events);
      const expected = events.map((event, index) => ({ ...event, seq: index + 1 }));
      expect(await bus.history(jobId, 0, 100)).toEqual(expected);
    },
  },
  {
    title: 'keeps two publishers apart: no gap, no number twice, each batch in one piece',
    async check(fixture) {
      const jobId = randomUUID();
      const publishers = [fixture.open(), fixture.open()];
      await Promise.all(
        publishers.flatMap((bus, index) =>
          Array.from({ length: 20 }, (_, batch) => bus.publish(jobId, deltas(3, `${String(index)}/${String(batch)}`))),
        ),
      );
      const events = await fixture.open().history(jobId, 0, 1000);
      expect(seqsOf(events)).toEqual(fromTo(1, 120));
      const batches = textsOf(events).map((text) => text.split(' ')[0]);
      for (let at = 0; at < batches.length; at += 3) {
        expect(new Set(batches.slice(at, at + 3)).size).toBe(1);
      }
    },
  },
  {
    title: 'drops what is published again under a key',
    async check(fixture) {
      const bus = fixture.open();
      const [jobId, other] = [randomUUID(), randomUUID()];
      expect(await bus.publish(jobId, [delta('first')], { key: 'end:1' })).toHaveLength(1);
      expect(await bus.publish(jobId, [delta('again')], { key: 'end:1' })).toEqual([]);
      expect(await bus.publish(jobId, [delta('next attempt')], { key: 'end:2' })).toHaveLength(1);
      expect(await bus.publish(other, [delta('another job')], { key: 'end:1' })).toHaveLength(1);
      const events = await bus.history(jobId, 0, 100);
      expect(textsOf(events)).toEqual(['first', 'next attempt']);
      expect(seqsOf(events)).toEqual([1, 2]);
    },
  },
  {
    title: 'lets one of many that publish under a key at once win, and leaves no gap',
    async check(fixture) {
      const jobId = randomUUID();
      const [one, other] = [fixture.open(), fixture.open()];
      const outcomes = await Promise.all(
        fromTo(1, 20).map((round) =>
          (round % 2 === 0 ? one : other).publish(jobId, [delta(`try ${String(round)}`)], { key: 'k' }),
        ),
      );
      expect(outcomes.filter((events) => events.length === 1)).toHaveLength(1);
      await one.publish(jobId, [delta('after')]);
      expect(seqsOf(await other.history(jobId, 0, 100))).toEqual([1, 2]);
    },
  },
  {
    title: 'gives a late subscriber the whole history',
    async check(fixture) {
      const jobId = randomUUID();
      await fixture.open().publish(jobId, [...deltas(5), cancelled(jobId)]);
      expect(seqsOf(await toTheEnd(fixture.open().subscribe(jobId, 0)))).toEqual(fromTo(1, 6));
    },
  },
  {
    title: 'gives a subscriber that comes back exactly what it missed',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      await bus.publish(jobId, [...deltas(5), cancelled(jobId)]);
      expect(seqsOf(await toTheEnd(bus.subscribe(jobId, 3)))).toEqual([4, 5, 6]);
    },
  },
  {
    title: 'follows what another process publishes, past a full page of history',
    async check(fixture) {
      const [publisher, bus] = [fixture.open(), fixture.open()];
      const jobId = randomUUID();
      await publisher.publish(jobId, deltas(700));
      let half: (() => void) | undefined;
      const halfRead = new Promise<void>((resolve) => (half = resolve));
      const reading = toTheEnd(bus.subscribe(jobId, 0), (event) => {
        if (event.seq === 700) half?.();
      });
      await halfRead;
      for (const event of deltas(50, 'live')) await publisher.publish(jobId, [event]);
      await publisher.publish(jobId, [cancelled(jobId)]);
      expect(seqsOf(await reading)).toEqual(fromTo(1, 751));
    },
  },
  {
    title: 'loses and doubles nothing when events come while a subscriber arrives',
    async check(fixture) {
      const [publisher, bus] = [fixture.open(), fixture.open()];
      for (let round = 0; round < 15; round += 1) {
        const jobId = randomUUID();
        const publishing = (async () => {
          for (const event of deltas(8)) await publisher.publish(jobId, [event]);
          await publisher.publish(jobId, [cancelled(jobId)]);
        })();
        const readings = fromTo(1, 4).map(async (turn) => {
          // Arrives at another moment of the publishing each time.
          for (let step = 0; step < turn * round; step += 1) await Promise.resolve();
          return toTheEnd(bus.subscribe(jobId, 0));
        });
        for (const events of await Promise.all(readings)) expect(seqsOf(events)).toEqual(fromTo(1, 9));
        await publishing;
      }
    },
  },
  {
    title: 'ends the iteration when the subscription is closed, waiting or not',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      await bus.publish(jobId, deltas(3));
      const subscription = bus.subscribe(jobId, 0);
      const seen: number[] = [];
      const reading = (async () => {
        for await (const event of subscription) seen.push(event.seq);
      })();
      await eventually('the history', () => seen.length === 3);
      subscription.close();
      subscription.close();
      await reading;
      const early = bus.subscribe(jobId, 0);
      early.close();
      expect(await toTheEnd(early)).toEqual([]);
    },
  },
  {
    title: 'ends every iteration when the bus is closed',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      await bus.publish(jobId, deltas(1));
      let seen = 0;
      const reading = toTheEnd(bus.subscribe(jobId, 0), () => (seen += 1));
      await eventually('the history', () => seen === 1);
      await bus.close();
      expect(seqsOf(await reading)).toEqual([1]);
    },
  },
  {
    title: 'pushes nothing to a follower that holds, goes on where that was, and ends once',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      await bus.publish(jobId, deltas(3));
      const seen: number[] = [];
      let ends = 0;
      const feed = bus.follow(jobId, 0, {
        take: ({ seq }) => {
          seen.push(seq);
          return false;
        },
        end: () => (ends += 1),
      });
      for (const count of fromTo(1, 5)) {
        await eventually('the next event', () => seen.length >= count);
        expect(seen).toEqual(fromTo(1, count));
        if (count === 2) await bus.publish(jobId, deltas(2));
        feed.resume();
      }
      feed.close();
      feed.close();
      expect(ends).toBe(1);
    },
  },
  {
    title: `serves ${String(SUBSCRIBERS)} subscribers of one job`,
    async check(fixture) {
      const [publisher, bus] = [fixture.open(), fixture.open()];
      const jobId = randomUUID();
      await publisher.publish(jobId, deltas(2));
      let arrived = 0;
      const readings = fromTo(1, SUBSCRIBERS).map(() =>
        toTheEnd(bus.subscribe(jobId, 0), (event) => {
          if (event.seq === 2) arrived += 1;
        }),
      );
      await eventually('all subscribers', () => arrived === SUBSCRIBERS);
      for (const event of deltas(20)) await publisher.publish(jobId, [event]);
      await publisher.publish(jobId, [cancelled(jobId)]);
      for (const events of await Promise.all(readings)) expect(seqsOf(events)).toEqual(fromTo(1, 23));
    },
  },
  {
    title: 'gives at most as much history as asked for',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      await bus.publish(jobId, deltas(10));
      expect(seqsOf(await bus.history(jobId, 2, 3))).toEqual([3, 4, 5]);
      expect(await bus.history(jobId, 10, 3)).toEqual([]);
      expect(await bus.history(randomUUID(), 0, 3)).toEqual([]);
    },
  },
  {
    title: 'forgets the log of one job and no other',
    async check(fixture) {
      const bus = fixture.open();
      const [jobId, other] = [randomUUID(), randomUUID()];
      await bus.publish(jobId, deltas(3), { key: 'k' });
      await bus.publish(other, deltas(2));
      await bus.forget(jobId);
      await bus.forget(jobId);
      expect(await bus.history(jobId, 0, 10)).toEqual([]);
      expect(await bus.history(other, 0, 10)).toHaveLength(2);
    },
  },
  {
    title: 'takes nothing more of a job that it has forgotten',
    async check(fixture) {
      const [bus, other] = [fixture.open(), fixture.open()];
      const [jobId, unheard] = [randomUUID(), randomUUID()];
      await bus.publish(jobId, deltas(3));
      for (const job of [jobId, unheard]) {
        await bus.forget(job);
        expect(await bus.publish(job, deltas(2), { key: 'k' })).toEqual([]);
        expect(await other.publish(job, deltas(2))).toEqual([]);
        expect(await bus.history(job, 0, 10)).toEqual([]);
      }
    },
  },
  {
    title: 'keeps nothing of what is published while it forgets',
    async check(fixture) {
      const [bus, other] = [fixture.open(), fixture.open()];
      for (let round = 0; round < 10; round += 1) {
        const jobId = randomUUID();
        await Promise.all([bus.publish(jobId, deltas(3)), other.forget(jobId), bus.publish(jobId, deltas(3))]);
        expect(await bus.history(jobId, 0, 10)).toEqual([]);
      }
    },
  },
  {
    title: 'expires logs by their last event, and goes on with the sequence after that',
    async check(fixture) {
      const bus = fixture.open();
      const jobId = randomUUID();
      const [last] = await bus.publish(jobId, deltas(1));
      expect(last?.seq).toBe(1);
      await bus.expire(new Date(Date.now() - 3_600_000));
      expect(await bus.history(jobId, 0, 10)).toHaveLength(1);
      expect(await bus.expire(new Date(Date.now() + 60_000))).toBeGreaterThanOrEqual(1);
      expect(await bus.history(jobId, 0, 10)).toEqual([]);
      expect(await bus.expire(new Date(Date.now() + 60_000))).toBe(0);
      expect(seqsOf(await bus.publish(jobId, deltas(1)))).toEqual([2]);
      expect(seqsOf(await bus.history(jobId, 1, 10))).toEqual([2]);
    },
  },
  {
    title: 'answers a ping',
    async check(fixture) {
      await expect(fixture.open().ping()).resolves.toBeUndefined();
    },
  },
];

/** What every event bus must do. */
export function eventBusContract(name: string, make: MakeFixture<EventBus>): void {
  describeContract(name, eventBusRules, make);
}
