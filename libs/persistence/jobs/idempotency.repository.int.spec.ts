import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob } from '../testing/new-job.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { JobRepository } from './job.repository.js';

describe('IdempotencyRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let keys: IdempotencyRepository;
  let jobs: JobRepository;
  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    keys = new IdempotencyRepository(database);
    jobs = new JobRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  const expire = (key: string) =>
    database.query('UPDATE idempotency_keys SET expires_at = clock_timestamp() WHERE key = $1', [key]);

  it('gives a key to one of ten submissions at once, and writes nothing for the others', async () => {
    const submissions = Array.from({ length: 10 }, () => newJob());
    const made = await Promise.all(
      submissions.map((job, index) => jobs.createOnce(job, { key: 'race', fingerprint: String(index) })),
    );
    const [winner, ...others] = made.filter((job) => job !== undefined);
    expect(others).toEqual([]);
    expect(await keys.find('race')).toEqual({
      jobId: winner?.id,
      fingerprint: String(submissions.findIndex(({ id }) => id === winner?.id)),
    });
    const found = await Promise.all(submissions.map(({ id }) => jobs.find(id)));
    expect(found.filter((job) => job !== undefined)).toHaveLength(1);
  });

  it('leaves a key free when the rows cannot be written', async () => {
    const job = newJob();
    await jobs.create(job);
    await expect(jobs.createOnce(job, { key: 'failed', fingerprint: 'a' })).rejects.toThrow();
    expect(await keys.find('failed')).toBeUndefined();
    expect(await jobs.createOnce(newJob(), { key: 'failed', fingerprint: 'b' })).toBeDefined();
  });

  it('gives a key that has run out to the next', async () => {
    await jobs.createOnce(newJob(), { key: 'old', fingerprint: 'a' });
    await expire('old');
    expect(await keys.find('old')).toBeUndefined();
    const next = newJob();
    expect(await jobs.createOnce(next, { key: 'old', fingerprint: 'b' })).toBeDefined();
    expect(await keys.find('old')).toEqual({ jobId: next.id, fingerprint: 'b' });
  });

  it('frees a key with the erasure of its job', async () => {
    const job = newJob();
    await jobs.createOnce(job, { key: 'erased', fingerprint: 'a' });
    await jobs.delete(job.id);
    expect(await keys.find('erased')).toBeUndefined();
    expect(await database.query(`SELECT 1 FROM idempotency_keys WHERE key = 'erased'`)).toEqual([]);
  });

  it('removes what has run out, up to a limit, and nothing else', async () => {
    await keys.removeExpired(1_000);
    for (const key of ['out-1', 'out-2', 'in']) await jobs.createOnce(newJob(), { key, fingerprint: 'a' });
    await expire('out-1');
    await expire('out-2');
    expect([await keys.removeExpired(1), await keys.removeExpired(10), await keys.removeExpired(10)]).toEqual([
      1, 1, 0,
    ]);
    expect(await keys.find('in')).toBeDefined();
  });
});
