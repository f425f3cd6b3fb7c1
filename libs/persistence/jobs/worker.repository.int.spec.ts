import { Database, JobLeaseRepository, JobRepository, WorkerRepository } from '#persistence';
import { newJob, startTestDatabase, type TestDatabase } from '../testing.js';

describe('WorkerRepository', () => {
  let postgres: TestDatabase;
  let database: Database;
  let workers: WorkerRepository;

  beforeAll(async () => {
    postgres = await startTestDatabase();
    database = new Database(postgres.url);
    await database.connect();
    workers = new WorkerRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
  });

  it('counts workers that are idle and workers that have a job, each once, until they leave or fall silent', async () => {
    expect(await workers.count()).toBe(0);
    await workers.beat('idle');
    await workers.beat('busy');
    await workers.beat('busy');
    const job = newJob();
    await new JobRepository(database).create(job);
    await new JobLeaseRepository(database).claim(job.id, 'busy', 60_000);
    expect(await workers.count()).toBe(2);
    await workers.leave('idle');
    expect(await workers.count()).toBe(1);

    await workers.beat('killed');
    expect(await workers.count()).toBe(2);
    await database.query(`UPDATE workers SET seen_at = now() - interval '1 minute'`);
    expect(await workers.count()).toBe(1);
    await database.query(`UPDATE workers SET seen_at = now() - interval '2 hours'`);
    await workers.beat('idle');
    expect(await database.query('SELECT worker_id FROM workers')).toEqual([{ worker_id: 'idle' }]);
  });
});
