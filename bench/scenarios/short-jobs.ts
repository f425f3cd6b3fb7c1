import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresBackend, Queue, withBackend } from 'bullmq';
import { Pool } from 'pg';
import { BenchMesh } from '../harness/bench-mesh.js';
import { BenchProcess } from '../harness/bench-process.js';
import { inParallel } from '../harness/in-parallel.js';
import { JobFeeder } from '../harness/job-feeder.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

/** A run has as many jobs as the mesh does in this time, at most MOST_JOBS: a slow machine must come to an end as well. */
const RUN_MS = 10_000;
const QUICK_RUN_MS = 3_000;
const MOST_JOBS = 2_000;
const WARM_UP_JOBS = 80;
/** As many jobs at once for both. */
const CONCURRENCY = '8';
const FEEDERS = 16;
const DEADLINE_MS = 600_000;
const RATE = 'jobs/s';
const WALL = 'wall s';
const CLIPS = 'clips';

/** What the guarantees of a job cost when there is next to nothing to transcribe. */
export const shortJobsOnRedis = shortJobs('short-jobs-redis', true, 0.4);
export const shortJobsOnPostgres = shortJobs('short-jobs-postgres', false, 0.5);

function shortJobs(name: string, redis: boolean, goal: number): Scenario {
  const store = redis ? 'Redis' : 'PostgreSQL';
  return {
    name,
    title: `One-second clips, an engine that does nothing, the queue on ${store}`,
    against: `bare BullMQ on the same ${store}, one insert and commit a job`,
    goals: [
      { figure: RATE, as: 'ratio', wanted: { is: 'at least', value: goal } },
      { figure: CLIPS, as: 'absolute' },
    ],
    growth: { figure: WALL, unit: 'a 16th of the clips' },
    budget: { quickS: 20, fullS: 110 },
    mostRounds: { quick: 2 },
    amount: (quick) => `clips for ${(quick ? QUICK_RUN_MS : RUN_MS) / 1000} s, at most ${MOST_JOBS}`,
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
      const transcribe = async (count: number): Promise<Figures> => {
        const started = Date.now();
        await inParallel(FEEDERS, count, () => feeder.submit(media));
        return figures(count, ((await feeder.allCompleted(DEADLINE_MS)) - started) / 1000);
      };
      let count = WARM_UP_JOBS;
      return {
        async mesh({ round }): Promise<Figures> {
          const found = await transcribe(count);
          if (round === 0) count = countAt(found[RATE] ?? 0, quick);
          return found;
        },
        grow: (times) => transcribe((count * times) / 16),
        async bare(): Promise<Figures> {
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
  return { [RATE]: jobs / seconds, [WALL]: seconds, [CLIPS]: jobs };
}

/** How many jobs a run has when so many are done in a second: a multiple of 16, for the growth. */
function countAt(jobsPerSecond: number, quick: boolean): number {
  const jobs = (jobsPerSecond * (quick ? QUICK_RUN_MS : RUN_MS)) / 1000;
  return Math.max(16, Math.min(MOST_JOBS, Math.floor(jobs / 16) * 16));
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
