import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import type { JobEventBody } from '#contracts';
import { createLogger } from '#telemetry';
import { type ContractFixture, eventually } from '#testing';
import { startEmptyDatabase, type TestDatabase } from '../persistence/testing.js';
import { eventBusContract } from './event-bus.contract.js';
import { eventDraftContract } from './event-draft.contract.js';
import { createEventBus, type EventBus } from './index.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await startEmptyDatabase();
});

afterAll(() => database.stop());

function fixture(): Promise<ContractFixture<EventBus>> {
  const opened: EventBus[] = [];
  return Promise.resolve({
    open: () => {
      const bus = createEventBus({ databaseUrl: database.url, logger: createLogger('test', 'silent') });
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

/** Runs one statement from outside of what is tested. */
async function sql<Row extends pg.QueryResultRow>(statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

function listeners(): Promise<{ pid: number }[]> {
  return sql<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'`,
  );
}

eventBusContract('LogEventBus on PostgreSQL alone', fixture);
eventDraftContract('LogEventBus on PostgreSQL alone', fixture, () => database.url);

describe('LogEventBus on PostgreSQL alone', () => {
  let buses: ContractFixture<EventBus>;

  beforeEach(async () => {
    buses = await fixture();
  });

  afterEach(() => buses.dispose());

  it('remembers that a job was forgotten for as long as logs are kept', async () => {
    const bus = buses.open();
    const jobId = randomUUID();
    await bus.publish(jobId, [delta('a')]);
    await bus.forget(jobId);
    const marks = () => sql(`SELECT FROM events.job_log WHERE job_id = '${jobId}'`);
    await bus.expire(new Date(Date.now() - 60_000));
    expect(await marks()).toHaveLength(1);
    await bus.expire(new Date(Date.now() + 60_000));
    expect(await marks()).toEqual([]);
  });

  it('appends what is published at once in one step, and leaves out only what has been published before', async () => {
    const bus = buses.open();
    const jobIds = Array.from({ length: 20 }, () => randomUUID());
    const [repeated = ''] = jobIds;
    await bus.publish(repeated, [delta('before')], { key: 'end:1' });
    const published = await Promise.all(
      [...jobIds.slice(1), repeated].map(async (jobId) =>
        bus.publish(jobId, [delta('a'), delta('b')], { key: 'end:2' }),
      ),
    );
    expect(published.map((events) => events.map(({ seq }) => seq))).toEqual([
      ...jobIds.slice(1).map(() => [1, 2]),
      [2, 3],
    ]);
    const listed = jobIds.map((jobId) => `'${jobId}'`).join(', ');
    const transactions = await sql<{ xmin: string }>(
      `SELECT xmin::text FROM events.job_event WHERE seq = 2 AND job_id IN (${listed})`,
    );
    expect(new Set(transactions.map(({ xmin }) => xmin)).size).toBeLessThan(4);
    const again = await Promise.all(
      jobIds.map(async (jobId) => bus.publish(jobId, [delta('c')], { key: jobId === repeated ? 'end:1' : 'end:3' })),
    );
    expect(again.map((events) => events.map(({ seq }) => seq))).toEqual([[], ...jobIds.slice(1).map(() => [3])]);
  });

  it('hears on one connection for all jobs and frees it on close', async () => {
    const bus = buses.open();
    const seen = new Set<string>();
    const jobs = Array.from({ length: 30 }, () => randomUUID());
    const readings = jobs.map(async (jobId) => {
      for await (const event of bus.subscribe(jobId, 0)) if (event.seq > 0) seen.add(jobId);
    });
    for (const jobId of jobs) await bus.publish(jobId, [delta('x')]);
    await eventually('every job', () => seen.size === jobs.length);
    expect(await listeners()).toHaveLength(1);
    await bus.close();
    await Promise.all(readings);
    await eventually('no connection is left', async () => {
      const rows = await sql<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE application_name = 'polyscribe-events' AND datname = current_database()`,
      );
      return rows.length === 0;
    });
  });

  it('goes on after the server cut its connections, without gap or repeat', async () => {
    const bus = buses.open();
    const publisher = buses.open();
    const jobId = randomUUID();
    await publisher.publish(jobId, [delta('before')]);
    const seen: number[] = [];
    const subscription = bus.subscribe(jobId, 0);
    const reading = (async () => {
      for await (const event of subscription) seen.push(event.seq);
    })();
    await eventually('the listener', async () => seen.length === 1 && (await listeners()).length === 1);
    await sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'polyscribe-events' AND datname = current_database()`,
    );
    await eventually('a publish that works again', () =>
      publisher.publish(jobId, [delta('after')]).catch(() => undefined),
    );
    await eventually('the event after the cut', () => seen.length === 2);
    expect(seen).toEqual([1, 2]);
    subscription.close();
    await reading;
  });

  it('sets up its tables once when many processes start at the same moment', async () => {
    await sql('DROP SCHEMA IF EXISTS events CASCADE');
    const starting = Array.from({ length: 8 }, () => buses.open());
    const jobId = randomUUID();
    await Promise.all(starting.map((bus) => bus.publish(jobId, [delta('hello')])));
    expect(await starting[0]?.history(jobId, 0, 100)).toHaveLength(8);
  });

  it('frees what a subscription holds when its reader leaves', async () => {
    const bus = buses.open();
    const jobId = randomUUID();
    await bus.publish(jobId, [delta('x'), delta('y')]);
    let read = 0;
    for await (const event of bus.subscribe(jobId, 0)) {
      read = event.seq;
      break;
    }
    expect(read).toBe(1);
    expect(Reflect.get(bus, 'topics')).toHaveProperty('size', 0);
  });
});

describe('LogEventBus without a database', () => {
  let server: Server;
  let url: string;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    // Takes connections and never says a word, as a host behind a broken network does.
    server = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `postgres://x@127.0.0.1:${String(typeof address === 'object' && address ? address.port : 0)}/x`;
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('answers dependency_unavailable within a few seconds, silent server or none', async () => {
    for (const databaseUrl of [url, 'postgres://x@127.0.0.1:1/x']) {
      const bus = createEventBus({ databaseUrl, logger: createLogger('test', 'silent') });
      const asked = Date.now();
      await expect(bus.publish('job', [delta('x')])).rejects.toMatchObject({ code: 'dependency_unavailable' });
      await expect(bus.ping()).rejects.toMatchObject({ code: 'dependency_unavailable' });
      expect(Date.now() - asked).toBeLessThan(10_000);
      await bus.close();
    }
  });
});
