import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { createLogger } from '#telemetry';
import { type ContractFixture, eventually } from '#testing';
import { TestRedis } from '../redis/testing.js';
import { jobQueueContract } from './job-queue.contract.js';
import type { JobQueue, QueuedJob } from './job-queue.port.js';
import { createJobQueue } from './index.js';

const logger = createLogger('test', 'silent');
const PASSWORD = 'open sesame';
/** Never asked: the queue is on Redis. */
const databaseUrl = 'postgres://x@127.0.0.1:1/x';
let redis: TestRedis;

beforeAll(async () => {
  redis = await TestRedis.start({ password: PASSWORD });
});

afterAll(() => redis.close());

/** Queues of one name that nobody else uses. */
function fixture(server = redis, log = logger): Promise<ContractFixture<JobQueue> & { name: string }> {
  const name = `test-${randomUUID()}`;
  const opened: JobQueue[] = [];
  return Promise.resolve({
    name,
    open: () => {
      const queue = createJobQueue({ databaseUrl, redisUrl: server.url, logger: log, name });
      opened.push(queue);
      return queue;
    },
    dispose: async () => {
      for (const queue of opened) await queue.close();
    },
  });
}

function job(priority = 5): QueuedJob {
  return { jobId: randomUUID(), priority };
}

/** Puts it in as a reconciler does: until it is in. */
async function enqueueInTheEnd(queue: JobQueue, work: QueuedJob): Promise<void> {
  await eventually('an enqueue that works', () =>
    queue.enqueue(work).then(
      () => true,
      () => false,
    ),
  );
}

function collect(queue: JobQueue): string[] {
  const taken: string[] = [];
  queue.consume(1, (work) => {
    taken.push(work.jobId);
    return Promise.resolve();
  });
  return taken;
}

jobQueueContract('BullmqJobQueue on Redis', () => fixture());

describe('BullmqJobQueue on Redis', () => {
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
    const work = job();
    const queue = queues.open();
    await queue.enqueue(work);
    const script = new URL('testing/holding-consumer.js', import.meta.url).pathname;
    child = spawn(process.execPath, ['--no-warnings', script, databaseUrl, queues.name, redis.url]);
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await eventually('the other process to take the work', () => output.includes(work.jobId));
    const taken = collect(queue);
    child.kill('SIGKILL');
    await eventually('the work', () => taken.length === 1, 28_000);
    expect(taken).toEqual([work.jobId]);
  }, 60_000);

  it('leaves no connection behind', async () => {
    const clients = () =>
      redis.run(
        async (client) =>
          String(await client.client('LIST'))
            .trim()
            .split('\n').length,
      );
    const before = await clients();
    const queue = queues.open();
    queue.consume(2, () => Promise.resolve());
    await queue.ping();
    await queue.close();
    await eventually('the server to notice', async () => (await clients()) === before);
    expect(await clients()).toBe(before);
  });

  it('keeps nothing of the error that a handler threw', async () => {
    const queue = queues.open();
    let tries = 0;
    queue.consume(1, () => {
      tries += 1;
      return Promise.reject(new Error('what the patient said'));
    });
    await queue.enqueue(job());
    await eventually('a second try', () => tries === 2);
    const stored = await redis.run(async (client) => {
      const keys = await client.keys(`bull:${queues.name}:*`);
      // A key may go between the two questions: nothing is kept there.
      const values: readonly (Buffer | null)[] = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
      return values.filter((value) => value !== null);
    });
    expect(stored.length).toBeGreaterThan(2);
    expect(Buffer.concat(stored).includes('patient')).toBe(false);
  });
});

describe('BullmqJobQueue on a Redis that comes and goes', () => {
  let server: TestRedis;
  let queues: ContractFixture<JobQueue>;

  afterEach(async () => {
    await queues.dispose();
    await server.close();
  });

  it('goes on after a flush: work put in again is given out, and the handler of lost work may end', async () => {
    server = await TestRedis.start();
    queues = await fixture(server);
    const queue = queues.open();
    const [first, waiting] = [job(9), job(1)];
    const taken: string[] = [];
    let letGo: (() => void) | undefined;
    queue.consume(1, async (work) => {
      taken.push(work.jobId);
      if (taken.length === 1) await new Promise<void>((resolve) => (letGo = resolve));
    });
    await queue.enqueue(first);
    await eventually('the handler', () => letGo);
    await queue.enqueue(waiting);
    await server.flush();
    expect(await queue.has(first.jobId)).toBe(false);
    expect(await queue.has(waiting.jobId)).toBe(false);
    await queue.enqueue(waiting);
    letGo?.();
    await eventually('the work', () => taken.includes(waiting.jobId));
    await eventually('the end of the entry', async () => !(await queue.has(waiting.jobId)));
    expect(taken).toEqual([first.jobId, waiting.jobId]);
  });

  it('lets a handler go on whose entry was lost or may be another’s, and stops it when it closes', async () => {
    server = await TestRedis.start();
    queues = await fixture(server);
    const queue = queues.open();
    const [lost, taken] = [job(), job()];
    const aborted = new Set<string>();
    const running = new Set<string>();
    const consumer = queue.consume(2, async ({ jobId }, signal) => {
      running.add(jobId);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      aborted.add(jobId);
    });
    await queue.enqueue(lost);
    await eventually('the first handler', () => running.has(lost.jobId));
    await server.flush();
    await queue.enqueue(taken);
    await eventually('the second handler', () => running.has(taken.jobId));
    await server.run(async (client) => {
      for (const key of await client.keys('bull:*:lock')) await client.set(key, 'of another', 'PX', 60_000);
    });
    const untouched = eventually('a handler to stop', () => aborted.size > 0, 15_000);
    await expect(untouched).rejects.toThrow('a handler to stop');
    await consumer.close(0);
    expect(aborted).toEqual(new Set([lost.jobId, taken.jobId]));
  }, 60_000);

  it('goes on after the server was killed and came back with nothing', async () => {
    server = await TestRedis.start();
    queues = await fixture(server);
    const queue = queues.open();
    const taken = collect(queue);
    const [before, after] = [job(), job()];
    await queue.enqueue(before);
    await eventually('the first work', () => taken.length === 1);
    await server.kill();
    await expect(queue.enqueue(job())).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await server.startAgain();
    await enqueueInTheEnd(queue, after);
    await eventually('the work after the restart', () => taken.includes(after.jobId), 20_000);
    expect(taken).toEqual([before.jobId, after.jobId]);
  }, 60_000);

  it('keeps its work over a restart of a server that keeps its data', async () => {
    server = await TestRedis.start({ persistent: true });
    queues = await fixture(server);
    const queue = queues.open();
    const work = job();
    await queue.enqueue(work);
    await server.kill();
    await server.startAgain();
    const taken = collect(queue);
    await eventually('the work', () => taken.length === 1, 20_000);
    expect(taken).toEqual([work.jobId]);
  }, 60_000);

  it('writes down what a handler came to while the server was away', async () => {
    server = await TestRedis.start({ persistent: true });
    queues = await fixture(server);
    const queue = queues.open();
    const work = job();
    let letGo: (() => void) | undefined;
    let times = 0;
    queue.consume(1, async () => {
      times += 1;
      await new Promise<void>((resolve) => (letGo = resolve));
    });
    await queue.enqueue(work);
    await eventually('the handler', () => letGo);
    await server.kill();
    letGo?.();
    await server.startAgain();
    await eventually(
      'the end of the entry',
      () =>
        queue.has(work.jobId).then(
          (has) => !has,
          () => false,
        ),
      20_000,
    );
    expect(times).toBe(1);
  }, 60_000);

  it('starts before the server does', async () => {
    server = await TestRedis.start();
    await server.kill();
    queues = await fixture(server);
    const queue = queues.open();
    const taken = collect(queue);
    const asked = Date.now();
    await expect(queue.enqueue(job())).rejects.toMatchObject({ code: 'dependency_unavailable' });
    await expect(queue.ping()).rejects.toMatchObject({ code: 'dependency_unavailable' });
    expect(Date.now() - asked).toBeLessThan(8_000);
    await server.startAgain();
    const work = job();
    await enqueueInTheEnd(queue, work);
    await eventually('the work', () => taken.includes(work.jobId), 20_000);
    expect(await queue.depth()).toBe(0);
  }, 60_000);

  it.each(['has gone', 'is silent'])(
    'closes within seconds when the server %s',
    async (how) => {
      server = await TestRedis.start();
      queues = await fixture(server);
      const queue = queues.open();
      const taken = collect(queue);
      await queue.enqueue(job());
      await eventually('the work', () => taken.length === 1);
      if (how === 'has gone') await server.kill();
      else server.pause();
      const asked = Date.now();
      await expect(queue.ping()).rejects.toMatchObject({ code: 'dependency_unavailable' });
      await queue.close();
      expect(Date.now() - asked).toBeLessThan(20_000);
    },
    60_000,
  );

  it('closes a consumer that never reached the server', async () => {
    server = await TestRedis.start();
    await server.kill();
    queues = await fixture(server);
    const queue = queues.open();
    const consumer = queue.consume(1, () => Promise.resolve());
    await consumer.close(10_000);
    await expect(queue.close()).resolves.toBeUndefined();
  });

  it('warns once of a server that may evict entries, and never of its password', async () => {
    server = await TestRedis.start({ password: 'hunter2', settings: ['--maxmemory-policy', 'allkeys-lru'] });
    const lines: string[] = [];
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(chunk.toString());
        done();
      },
    });
    queues = await fixture(server, createLogger('test', 'debug', sink));
    const queue = queues.open();
    await queue.ping();
    await queue.ping();
    collect(queue);
    await server.kill();
    await eventually('trouble', () => lines.some((line) => line.includes('trouble')));
    expect(lines.filter((line) => line.includes('maxmemory-policy'))).toHaveLength(1);
    expect(lines.join('')).not.toContain('hunter2');
  });
});
