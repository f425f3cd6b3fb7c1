import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { endsStream, type JobEvent, type JobEventBody } from '#contracts';
import { createLogger } from '#telemetry';
import { type ContractFixture, eventually } from '#testing';
import { startEmptyDatabase, type TestDatabase } from '../persistence/testing.js';
import { TestRedis } from '../redis/testing.js';
import { eventBusContract } from './event-bus.contract.js';
import { eventDraftContract } from './event-draft.contract.js';
import { createEventBus, type EventBus } from './index.js';

const TTL_MS = 60_000;
let database: TestDatabase;
let redis: TestRedis;

beforeAll(async () => {
  [database, redis] = await Promise.all([startEmptyDatabase(), TestRedis.start({ password: 'open sesame' })]);
});

afterAll(async () => {
  await redis.close();
  await database.stop();
});

function fixture(server = redis): Promise<ContractFixture<EventBus>> {
  const opened: EventBus[] = [];
  return Promise.resolve({
    open: () => {
      const logger = createLogger('test', 'silent');
      const bus = createEventBus({ databaseUrl: database.url, redisUrl: server.url, jobTtlMs: TTL_MS, logger });
      opened.push(bus);
      return bus;
    },
    dispose: async () => {
      for (const bus of opened) await bus.close();
    },
  });
}

function delta(text: string): JobEventBody {
  return { type: 'delta', data: { segment_id: randomUUID(), span: 0, text, t0: 0, t1: 1 } };
}

function status(jobId: string, progress: number): JobEventBody {
  return {
    type: 'status',
    data: { job_id: jobId, status: 'processing', progress, stage: 'transcribing', message: '' },
  };
}

function ended(jobId: string): JobEventBody {
  return { type: 'cancelled', data: { job_id: jobId } };
}

function fromTo(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Reads until the end of the job and notes the sequences. */
function follow(bus: EventBus, jobId: string, afterSeq = 0): { seen: number[]; done: Promise<void> } {
  const seen: number[] = [];
  const done = (async () => {
    for await (const event of bus.subscribe(jobId, afterSeq)) {
      seen.push(event.seq);
      if (endsStream(event.type)) return;
    }
  })();
  return { seen, done };
}

function stream(server: TestRedis, jobId: string): Promise<string[]> {
  return server.run(async (client) => (await client.xrange(`job:${jobId}:events`, '-', '+')).map(([id]) => id));
}

eventBusContract('LogEventBus with Redis', () => fixture());
eventDraftContract(
  'LogEventBus with Redis',
  () => fixture(),
  () => database.url,
);

describe('LogEventBus with Redis', () => {
  let buses: ContractFixture<EventBus>;

  beforeEach(async () => {
    buses = await fixture();
  });

  afterEach(() => buses.dispose());

  it('delivers within moments, not at the next look at the log', async () => {
    const [publisher, bus] = [buses.open(), buses.open()];
    const jobId = randomUUID();
    await publisher.publish(jobId, [delta('first')]);
    const { seen, done } = follow(bus, jobId);
    await eventually('the history', () => seen.length === 1);
    await eventually('the connection that listens', () =>
      redis.run(async (client) => (await client.pubsub('NUMSUB', `transcription:events:${jobId}`))[1] === 1),
    );
    const published = performance.now();
    for (const text of ['a', 'b', 'c', 'd', 'e']) {
      const count = seen.length;
      await publisher.publish(jobId, [delta(text)]);
      await eventually('the event', () => seen.length > count);
    }
    expect(performance.now() - published).toBeLessThan(3_000);
    await publisher.publish(jobId, [ended(jobId)]);
    await done;
  });

  it('keeps a copy of the log for the time it is told, and removes it with the log', async () => {
    const bus = buses.open();
    const jobId = randomUUID();
    await bus.publish(jobId, [status(jobId, 1), delta('x')]);
    await bus.publish(jobId, [delta('y')]);
    expect(await stream(redis, jobId)).toEqual(['1-0', '2-0', '3-0']);
    const remaining = await redis.run((client) => client.pttl(`job:${jobId}:events`));
    expect(remaining).toBeGreaterThan(TTL_MS / 2);
    expect(remaining).toBeLessThanOrEqual(TTL_MS);
    await bus.forget(jobId);
    expect(await stream(redis, jobId)).toEqual([]);
  });

  it('tells plain subscribers every status as JSON', async () => {
    const bus = buses.open();
    const jobId = randomUUID();
    const heard: unknown[] = [];
    await redis.run(async (client: Redis) => {
      client.on('message', (_channel, payload) => heard.push(JSON.parse(payload)));
      await client.subscribe(`transcription:status:${jobId}`);
      await bus.publish(jobId, [delta('x'), status(jobId, 10), status(jobId, 20)]);
      await bus.publish(jobId, [delta('y')]);
      await eventually('both statuses', () => heard.length === 2);
    });
    expect(heard).toEqual([status(jobId, 10).data, status(jobId, 20).data]);
  });

  it('listens on one connection for all jobs, and to no job longer than somebody reads', async () => {
    const bus = buses.open();
    const jobs = fromTo(1, 20).map(() => randomUUID());
    const readings = jobs.map((jobId) => follow(bus, jobId));
    const listened = () =>
      redis.run(async (client) => (await client.pubsub('CHANNELS', 'transcription:events:*')).length);
    await eventually('every channel', async () => (await listened()) === jobs.length);
    const clients = await redis.run((client) => client.client('LIST'));
    expect(String(clients).match(/name=polyscribe-job-news/g)).toHaveLength(1);
    for (const jobId of jobs) await bus.publish(jobId, [ended(jobId)]);
    await Promise.all(readings.map(({ done }) => done));
    await eventually('no channel', async () => (await listened()) === 0);
  });

  it('serves history out of the log where the copy has lost its beginning, its end or both', async () => {
    const bus = buses.open();
    const jobId = randomUUID();
    await bus.publish(jobId, [delta('1'), delta('2')]);
    await redis.run((client) => client.del(`job:${jobId}:events`));
    await bus.publish(jobId, [delta('3'), delta('4')]);
    expect(await stream(redis, jobId)).toEqual(['3-0', '4-0']);
    // As two publishers leave it that overtook each other, or one whose connection broke.
    await redis.run((client) => client.xdel(`job:${jobId}:events`, '4-0'));
    await bus.publish(jobId, [ended(jobId)]);
    for (const afterSeq of fromTo(0, 4)) {
      const { seen, done } = follow(bus, jobId, afterSeq);
      await done;
      expect(seen).toEqual(fromTo(afterSeq + 1, 5));
    }
    expect((await bus.history(jobId, 0, 10)).map(({ seq }) => seq)).toEqual(fromTo(1, 5));
  });
});

describe('LogEventBus on a Redis that comes and goes', () => {
  let server: TestRedis;
  let buses: ContractFixture<EventBus>;

  beforeEach(async () => {
    server = await TestRedis.start();
    buses = await fixture(server);
  });

  afterEach(async () => {
    await buses.dispose();
    await server.close();
  });

  const trouble: Record<string, () => Promise<void>> = {
    'is flushed': () => server.flush(),
    'is killed and comes back with nothing': async () => {
      await server.kill();
      await server.startAgain();
    },
    'is killed and stays away': () => server.kill(),
    'falls silent': () => {
      server.pause();
      return Promise.resolve();
    },
  };

  it.each(Object.entries(trouble))(
    'gives every subscriber every event once and in order when it %s',
    async (_how, strike) => {
      const [publisher, other, bus] = [buses.open(), buses.open(), buses.open()];
      const jobId = randomUUID();
      await publisher.publish(jobId, [delta('first')]);
      const early = [follow(bus, jobId), follow(buses.open(), jobId)];
      let published = 1;
      const publish = async (count: number) => {
        for (let turn = 0; turn < count; turn += 1) {
          const events = await (turn % 2 === 0 ? publisher : other).publish(jobId, [delta('a'), delta('b')]);
          published += events.length;
        }
      };
      await publish(20);
      const striking = strike();
      await publish(40);
      await striking;
      const late = [follow(bus, jobId), follow(buses.open(), jobId, 30)];
      await publish(20);
      await publisher.publish(jobId, [ended(jobId)], { key: 'end:1' });
      await Promise.all([...early, ...late].map(({ done }) => done));
      const [third, fourth] = late;
      for (const reading of [...early, third]) expect(reading?.seen).toEqual(fromTo(1, published + 1));
      expect(fourth?.seen).toEqual(fromTo(31, published + 1));
    },
    60_000,
  );

  it('starts, publishes and closes soon while there is no Redis', async () => {
    await server.kill();
    const bus = buses.open();
    const jobId = randomUUID();
    const asked = Date.now();
    const { seen, done } = follow(bus, jobId);
    for (const text of ['a', 'b', 'c']) await bus.publish(jobId, [delta(text)]);
    await bus.publish(jobId, [ended(jobId)]);
    await done;
    await bus.close();
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(Date.now() - asked).toBeLessThan(10_000);
  });

  it('does not take the erasure of a log for done while its copy may be there', async () => {
    const bus = buses.open();
    const jobId = randomUUID();
    await bus.publish(jobId, [delta('x')]);
    server.pause();
    await expect(bus.forget(jobId)).rejects.toMatchObject({ code: 'dependency_unavailable' });
    server.resume();
    await eventually('the erasure', () =>
      bus.forget(jobId).then(
        () => true,
        () => false,
      ),
    );
    expect(await stream(server, jobId)).toEqual([]);
    const none: readonly JobEvent[] = await bus.history(jobId, 0, 10);
    expect(none).toEqual([]);
  });
});
