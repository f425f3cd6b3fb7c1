import { randomUUID } from 'node:crypto';
import type { Job, JobOptions } from '#contracts';
import { Database, JobLeaseRepository, JobLineRepository, JobRepository } from '#persistence';
import { createJobQueue, type JobQueue } from '#queue';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { newJob, startTestDatabase, type TestDatabase } from '../../libs/persistence/testing.js';
import { TestRedis } from '../../libs/redis/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import type { JobConsumer } from './job-consumer.js';
import { JobPicker, type PickedJob } from './job-picker.js';
import { directoryOf, FakeRegistry, quickSettings } from './testing/fakes.js';
import { WorkLoop } from './work-loop.js';

const BATCH = 1_000;
const logger = createLogger('test', 'silent');
const asr = { engine: 'asr', allowFallback: false } as const;
const local = { engine: 'local', allowFallback: false } as const;

/** Does jobs one by one as the test lets it, and writes down in which order they were begun. */
class Jobs implements Pick<JobConsumer, 'handle'> {
  readonly begun: string[] = [];
  private readonly held = new Set<() => void>();
  private open = false;

  constructor(private readonly leases: JobLeaseRepository) {}

  async handle(picked: PickedJob): Promise<undefined> {
    const { claim } = picked;
    this.begun.push(claim.job.id);
    if (!this.open) await new Promise<void>((resolve) => this.held.add(resolve));
    await this.leases.complete(claim.lease, {
      language: 'en',
      durationMs: 1,
      engineUsed: 'asr',
      model: 'm',
      warnings: [],
    });
    picked.started();
    return undefined;
  }

  letOneGo(): void {
    const [release] = this.held;
    if (!release) return;
    this.held.delete(release);
    release();
  }

  letAllGo(): void {
    this.open = true;
    for (const release of this.held) release();
  }
}

describe.each(['PostgreSQL', 'Redis'])('WorkLoop with a queue on %s', (store) => {
  let server: TestDatabase;
  let redis: TestRedis | undefined;
  let database: Database;
  let queue: JobQueue;
  let registry: FakeRegistry;
  let jobs: Jobs;
  let loops: WorkLoop[];

  beforeEach(async () => {
    server = await startTestDatabase();
    redis = store === 'Redis' ? await TestRedis.start() : undefined;
    database = new Database(server.url);
    await database.connect();
    const name = `test-${randomUUID()}`;
    queue = createJobQueue({ databaseUrl: server.url, redisUrl: redis?.url, logger, name });
    registry = new FakeRegistry(instanceOf('asr', { capabilities: { maxConcurrency: 8 } }), instanceOf('local'));
    jobs = new Jobs(new JobLeaseRepository(database));
    loops = [];
  });

  afterEach(async () => {
    jobs.letAllGo();
    for (const loop of loops) await loop.stop();
    await queue.close();
    await database.close();
    await redis?.close();
    await server.stop();
  });

  function work(maxConcurrency: number): WorkLoop {
    const settings = quickSettings({ maxConcurrency, graceMs: 10_000 });
    const announcer = { announce: () => Promise.resolve() };
    const lines = new JobLineRepository(database);
    const picker = new JobPicker(lines, directoryOf(registry), announcer, randomUUID(), settings);
    const loop = new WorkLoop(queue, picker, jobs, settings);
    loops.push(loop);
    loop.start();
    return loop;
  }

  async function submit(options: Partial<JobOptions>): Promise<Job> {
    const job = await new JobRepository(database).create(newJob(options));
    await queue.enqueue({ jobId: job.id, priority: job.options.priority });
    return job;
  }

  it('starts the one file of an owner within the time of two jobs of a batch of a thousand', async () => {
    for (let n = 0; n < BATCH; n += 20) {
      await Promise.all(Array.from({ length: 20 }, () => submit({ ...asr, sessionId: 'batch' })));
    }
    work(1);
    await eventually('the first job', () => jobs.begun.length === 1);
    const single = await submit({ ...asr, sessionId: 'single' });
    for (const begun of [2, 3]) {
      jobs.letOneGo();
      await eventually('the next job', () => jobs.begun.length === begun);
    }
    expect(jobs.begun.slice(1)).toContain(single.id);
  }, 120_000);

  it('takes turns between owners across workers', async () => {
    const names = ['a', 'b', 'c'];
    const owners = new Map<string, string>();
    for (const sessionId of names.flatMap((name) => Array.from({ length: 8 }, () => name))) {
      owners.set((await submit({ ...asr, sessionId })).id, sessionId);
    }
    for (let n = 0; n < 3; n += 1) work(1);
    for (let begun = 3; begun <= 12; begun += 1) {
      await eventually('the next job', () => jobs.begun.length === begun);
      jobs.letOneGo();
    }
    const turns = jobs.begun.slice(0, 12).map((id) => owners.get(id));
    for (const name of names) expect(turns.filter((owner) => owner === name)).toHaveLength(4);
  });

  it('starts a job of priority 9 before those of 0 that came earlier, whoever they are of', async () => {
    await submit({ ...asr, priority: 5 });
    work(1);
    await eventually('the worker to be busy', () => jobs.begun.length === 1);
    const early: Job[] = [];
    for (let n = 0; n < 6; n += 1) early.push(await submit({ ...asr, priority: 0, sessionId: `owner ${n % 2}` }));
    const urgent = await submit({ ...asr, priority: 9, sessionId: 'owner 0' });
    const other = await submit({ ...local, priority: 9 });
    for (let begun = 2; begun <= 4; begun += 1) {
      jobs.letOneGo();
      await eventually('the next job', () => jobs.begun.length === begun);
    }
    expect(jobs.begun.slice(1, 3)).toEqual([urgent.id, other.id]);
    expect(early.map(({ id }) => id)).toContain(jobs.begun[3]);
  });

  it('starts a job of a free engine though a batch for a busy one came before, and the batch once that frees', async () => {
    registry.set(instanceOf('asr', { inFlight: 2 }), instanceOf('local'));
    const batch: Job[] = [];
    for (let n = 0; n < 20; n += 1) batch.push(await submit({ ...asr, priority: 9 }));
    work(2);
    await eventually('both places to wait', async () => (await queue.waiting()) === 18);
    const free = await submit({ ...local, priority: 0 });
    await eventually('the job of the free engine', () => jobs.begun.includes(free.id));
    expect(jobs.begun).toEqual([free.id]);
    jobs.letAllGo();
    registry.set(instanceOf('asr'), instanceOf('local'));
    await eventually('the batch', () => jobs.begun.length === 21);
    expect(jobs.begun.toSorted()).toEqual([free, ...batch].map(({ id }) => id).toSorted());
    const rows = await database.query<{ attempts: number }>('SELECT DISTINCT attempts FROM transcript_jobs');
    expect(rows).toEqual([{ attempts: 1 }]);
  });

  it('gives tickets that wait for an engine to another worker when it stops', async () => {
    registry.set(instanceOf('asr', { inFlight: 2 }));
    const job = await submit(asr);
    const first = work(1);
    await eventually('the ticket to be held', async () => (await queue.waiting()) === 0);
    await first.stop();
    registry.set(instanceOf('asr'));
    work(1);
    await eventually('the job', () => jobs.begun.length === 1);
    expect(jobs.begun).toEqual([job.id]);
  });
});
