import { createPostgresBackend, Worker, withBackend } from 'bullmq';
import { Pool } from 'pg';

/**
 * The least that a job can be: BullMQ gives it out, one row is inserted and committed. Environment: `DATABASE_URL`,
 * `REDIS_URL` (queue on PostgreSQL without it), `CONCURRENCY`.
 */
const { DATABASE_URL = '', REDIS_URL, CONCURRENCY = '2' } = process.env;
const pool = new Pool({ connectionString: DATABASE_URL, max: 10 });
await pool.query(
  'CREATE TABLE IF NOT EXISTS bare_jobs (id bigserial PRIMARY KEY, job text NOT NULL, at timestamptz NOT NULL DEFAULT now())',
);

const concurrency = Number(CONCURRENCY);
const work = async ({ data }: { data: { jobId: string } }): Promise<void> => {
  await pool.query('INSERT INTO bare_jobs (job) VALUES ($1)', [data.jobId]);
};
const worker =
  REDIS_URL === undefined
    ? new (withBackend(createPostgresBackend).Worker)('bare', work, {
        connection: { connectionString: DATABASE_URL, migrate: true },
        concurrency,
      })
    : new Worker('bare', work, { connection: { url: REDIS_URL, maxRetriesPerRequest: null }, concurrency });
worker.on('error', (error: Error) => process.stderr.write(`${error.message}\n`));
await worker.waitUntilReady();
process.send?.({});
process.once('SIGTERM', () => {
  void worker
    .close()
    .then(() => pool.end())
    .then(() => process.disconnect());
});
