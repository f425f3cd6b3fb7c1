import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { createLogger } from '#telemetry';
import { type ContractFixture, eventually } from '#testing';
import { startEmptyDatabase, type TestDatabase } from '../persistence/testing.js';
import { startFarewellProxy } from '../postgres/testing.js';
import { jobQueueContract } from './job-queue.contract.js';
import type { JobQueue } from './job-queue.port.js';
import { createJobQueue } from './index.js';

const logger = createLogger('test', 'silent');
let database: TestDatabase;

beforeAll(async () => {
  database = await startEmptyDatabase();
});

afterAll(() => database.stop());

/** Queues of one name that nobody else uses. */
function fixture(): Promise<ContractFixture<JobQueue> & { name: string }> {
  const name = `test-${randomUUID()}`;
  const opened: JobQueue[] = [];
  return Promise.resolve({
    name,
    open: () => {
      const queue = createJobQueue({ databaseUrl: database.url, logger, name });
      opened.push(queue);
      return queue;
    },
    dispose: async () => {
      for (const queue of opened) await queue.close();
    },
  });
}

async function sql<Row extends pg.QueryResultRow>(statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

jobQueueContract('PostgresJobQueue', fixture);

describe('PostgresJobQueue', () => {
  let queues: ContractFixture<JobQueue> & { name: string };
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    queues = await fixture();
  });

  afterEach(async () => {
    child?.kill('SIGKILL');
    child = undefined;
    await queues.dispose();
  });

  it('gives the work of a consumer that was killed to another', async () => {
    const work = { jobId: randomUUID(), priority: 5 };
    const queue = queues.open();
    await queue.enqueue(work);
    child = spawn(process.execPath, [
      '--no-warnings',
      new URL('testing/holding-consumer.js', import.meta.url).pathname,
      database.url,
      queues.name,
    ]);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually('the other process to take the work', () => output.includes(work.jobId));
    const taken: string[] = [];
    queue.consume(1, (job) => {
      taken.push(job.jobId);
      return Promise.resolve();
    });
    child.kill('SIGKILL');
    await eventually('the work', () => taken.length === 1, 28_000);
    expect(taken).toEqual([work.jobId]);
  }, 60_000);

  it('goes on after the server cut its connections', async () => {
    const queue = queues.open();
    const taken: string[] = [];
    queue.consume(1, (job) => {
      taken.push(job.jobId);
      return Promise.resolve();
    });
    await queue.enqueue({ jobId: randomUUID(), priority: 5 });
    await eventually('the first work', () => taken.length === 1);
    await sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    const after = { jobId: randomUUID(), priority: 5 };
    await eventually('an enqueue that works again', () =>
      queue.enqueue(after).then(
        () => true,
        () => false,
      ),
    );
    await eventually('the work after the cut', () => taken.includes(after.jobId));
    // An enqueue whose answer was lost with its connection was repeated: the work may be given out once more.
    await eventually('nothing to be left', async () => (await queue.depth()) === 0);
    expect(new Set(taken).size).toBe(2);
  });

  it('survives a server that shuts down in the moment when a connection is ready', async () => {
    const proxy = await startFarewellProxy(database.url);
    const queue = createJobQueue({ databaseUrl: proxy.url, logger, name: queues.name });
    const taken: string[] = [];
    queue.consume(1, (job) => {
      taken.push(job.jobId);
      return Promise.resolve();
    });
    await queue.ping();
    proxy.arm();
    // The consumer's own tries: to claim, and to listen.
    await eventually('connections that ended so', () => proxy.farewells() >= 4, 20_000);
    await expect(queue.ping()).rejects.toMatchObject({ code: 'dependency_unavailable' });
    proxy.disarm();
    const work = { jobId: randomUUID(), priority: 5 };
    await eventually('an enqueue that works again', () =>
      queue.enqueue(work).then(
        () => true,
        () => false,
      ),
    );
    await eventually('the work', () => taken.includes(work.jobId));
    await queue.close();
    await proxy.stop();
  });

  it('sets up its tables once when many processes start at the same moment', async () => {
    await sql('DROP SCHEMA IF EXISTS bullmq CASCADE');
    const starting = Array.from({ length: 6 }, () => queues.open());
    await Promise.all(starting.map((queue) => queue.enqueue({ jobId: randomUUID(), priority: 5 })));
    expect(await starting[0]?.depth()).toBe(6);
  });

  it('leaves no connection behind', async () => {
    const queue = queues.open();
    queue.consume(2, () => Promise.resolve());
    await queue.ping();
    await queue.close();
    const left = () =>
      sql('SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()');
    await eventually('the server to notice', async () => (await left()).length === 0);
    expect(await left()).toEqual([]);
  });

  it('keeps nothing of the error that a handler threw', async () => {
    const queue = queues.open();
    let tries = 0;
    queue.consume(1, () => {
      tries += 1;
      return Promise.reject(new Error('what the patient said'));
    });
    await queue.enqueue({ jobId: randomUUID(), priority: 5 });
    await eventually('a second try', () => tries === 2);
    expect(JSON.stringify(await sql('SELECT * FROM bullmq.job'))).not.toContain('patient');
    expect(JSON.stringify(await sql('SELECT * FROM bullmq.event'))).not.toContain('patient');
  });
});

describe('PostgresJobQueue without a database', () => {
  let server: Server;
  let silent: string;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    // Takes connections and never says a word, as a host behind a broken network does.
    server = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    silent = `postgres://x@127.0.0.1:${String(typeof address === 'object' && address ? address.port : 0)}/x`;
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  it('answers dependency_unavailable within a few seconds, silent server or none', async () => {
    for (const databaseUrl of [silent, 'postgres://x@127.0.0.1:1/x']) {
      const queue = createJobQueue({ databaseUrl, logger });
      const asked = Date.now();
      await expect(queue.enqueue({ jobId: 'x', priority: 1 })).rejects.toMatchObject({
        code: 'dependency_unavailable',
      });
      expect(Date.now() - asked).toBeLessThan(5_000);
      await queue.close();
    }
  });

  it('closes a consumer that never reached the database', async () => {
    const queue = createJobQueue({ databaseUrl: 'postgres://x@127.0.0.1:1/x', logger });
    const consumer = queue.consume(1, () => Promise.resolve());
    await consumer.close(10_000);
    await expect(queue.close()).resolves.toBeUndefined();
  });
});
