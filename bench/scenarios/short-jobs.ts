import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresBackend, Queue, withBackend } from 'bullmq';
import { Pool } from 'pg';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import { inParallel } from '../harness/in-parallel.js';
import { JobFeeder } from '../harness/job-feeder.js';
import type { Figures, Run, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

const JOBS = 2_000;
const QUICK_JOBS = 200;
/** As many jobs at once for both. */
const CONCURRENCY = '8';
const FEEDERS = 16;
const DEADLINE_MS = 600_000;
const RATE = 'jobs/s';
const WALL = 'wall s';

/** What the guarantees of a job cost when there is next to nothing to transcribe. */
export const shortJobsOnRedis = shortJobs('short-jobs-redis', true, 0.4);
export const shortJobsOnPostgres = shortJobs('short-jobs-postgres', false, 0.5);

function shortJobs(name: string, redis: boolean, goal: number): Scenario {
  const store = redis ? 'Redis' : 'PostgreSQL';
  return {
    name,
    title: `One-second clips, an engine that does nothing, the queue on ${store}`,
    against: `bare BullMQ on the same ${store}, one insert and commit a job`,
    goals: [{ figure: RATE, as: 'ratio', wanted: { is: 'at least', value: goal } }],
    growth: WALL,
    amount: (quick) => `${countOf(quick)} clips`,
    async open(quick) {
      const mesh = await BenchMesh.start({
        engines: [{ main: 'bench/bare/counting-engine.js' }],
        workers: 1,
        gateways: 0,
        redis,
        env: { MAX_CONCURRENCY: CONCURRENCY },
      });
      const feeder = await JobFeeder.open(mesh);
      const clip = speechFile(join(mesh.folder, 'clip.wav'), 1, '-ac', '1', '-ar', '16000');
      const media = await feeder.store(clip, 'audio/wav');
      const bare = await BareQueue.open(mesh);
      return {
        async mesh({ work }: Run): Promise<Figures> {
          const count = growthUnit(quick, work);
          const started = Date.now();
          await inParallel(FEEDERS, count, () => feeder.submit(media));
          return figures(count, ((await feeder.allCompleted(DEADLINE_MS)) - started) / 1000);
        },
        async bare(): Promise<Figures> {
          const count = countOf(quick);
          return figures(count, await bare.run(count));
        },
        async close() {
          await bare.close();
          await feeder.close();
          await mesh.close();
        },
      };
    },
  };
}

function figures(jobs: number, seconds: number): Figures {
  return { [RATE]: jobs / seconds, [WALL]: seconds };
}

function countOf(quick: boolean): number {
  return quick ? QUICK_JOBS : JOBS;
}

/** Growth begins with a tenth: sixteen times 2,000 jobs would take longer than all the rest. */
function growthUnit(quick: boolean, work: number): number {
  return work === 1 ? countOf(quick) : (countOf(quick) / 10) * work;
}

class BareQueue {
  private constructor(
    private readonly queue: Pick<Queue, 'add' | 'close'>,
    private readonly worker: BenchProcess,
    private readonly pool: Pool,
  ) {}

  static async open({ databaseUrl, redisUrl }: BenchMesh): Promise<BareQueue> {
    const worker = await BenchProcess.start('bench/bare/bullmq-worker.js', {
      DATABASE_URL: databaseUrl,
      CONCURRENCY,
      ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    });
    const queue =
      redisUrl === undefined
        ? new (withBackend(createPostgresBackend).Queue)('bare', { connection: { connectionString: databaseUrl } })
        : new Queue('bare', { connection: { url: redisUrl } });
    return new BareQueue(queue, worker, new Pool({ connectionString: databaseUrl, max: 1 }));
  }

  /** @returns seconds from the first entry to the last commit */
  async run(count: number): Promise<number> {
    await this.pool.query('TRUNCATE bare_jobs');
    const started = Date.now();
    await inParallel(FEEDERS, count, async () => {
      await this.queue.add('job', { jobId: crypto.randomUUID() }, { removeOnComplete: true });
    });
    for (;;) {
      const { rows } = await this.pool.query<{ count: string; last: Date | null }>(
        'SELECT count(*), max(at) AS last FROM bare_jobs',
      );
      const [row] = rows;
      if (Number(row?.count) >= count) return ((row?.last?.getTime() ?? Number.NaN) - started) / 1000;
      if (Date.now() - started > DEADLINE_MS) throw new Error('The bare queue is not done in time.');
      await delay(50);
    }
  }

  async close(): Promise<void> {
    await this.queue.close();
    await this.worker.stop();
    await this.pool.end();
  }
}
