import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob } from '../testing/new-job.js';
import { JobLeaseRepository } from './job-lease.repository.js';
import { JobRepository } from './job.repository.js';
import { ReconcileRepository } from './reconcile.repository.js';

describe('ReconcileRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;
  let reconcile: ReconcileRepository;
  beforeEach(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
    reconcile = new ReconcileRepository(database);
  });
  afterEach(async () => {
    await database.close();
    await server.stop();
  });

  it('counts jobs that wait and are due and jobs whose worker is gone, up to a number', async () => {
    await jobs.create(newJob({ priority: 9 }));
    await leases.claim((await jobs.create(newJob())).id, 'w', -1);
    await leases.claim((await jobs.create(newJob())).id, 'w', 60_000);
    const later = await leases.claim((await jobs.create(newJob())).id, 'w', 60_000);
    if (later) await leases.giveBack(later.lease, { afterMs: 60_000, countAttempt: true });
    expect(await reconcile.countDue(10, 0)).toBe(2);
    expect(await reconcile.countDue(1, 0)).toBe(1);
  });

  it('leaves a job alone that has been due for a moment only', async () => {
    await jobs.create(newJob());
    expect(await reconcile.countDue(10, 60_000)).toBe(0);
    await database.query(
      `UPDATE transcript_jobs SET not_before = now() - interval '2 minutes', updated_at = now() - interval '2 minutes'`,
    );
    expect(await reconcile.countDue(10, 60_000)).toBe(1);
    await database.query(`UPDATE transcript_jobs SET not_before = now() - interval '30 s'`);
    expect(await reconcile.countDue(10, 60_000)).toBe(0);
  });

  it('finds the ends that nobody told, until they are told', async () => {
    const job = await jobs.create(newJob());
    expect(await reconcile.unannounced(10)).toEqual([]);
    expect(await reconcile.unannouncedEnd(job.id)).toBeUndefined();
    await jobs.requestCancel(job.id);
    const [found] = await reconcile.unannounced(10);
    expect(found).toMatchObject({ job: { id: job.id, status: 'cancelled' }, attempt: 0 });
    expect(await reconcile.unannouncedEnd(job.id)).toEqual(found);
    await reconcile.markAnnounced(job.id, 0);
    expect(await reconcile.unannounced(10)).toEqual([]);
    expect(await reconcile.unannouncedEnd(job.id)).toBeUndefined();
  });

  it('gives each end of a job that runs again a number of its own', async () => {
    const job = await jobs.create(newJob());
    const numbers: (number | undefined)[] = [];
    for (let n = 0; n < 3; n++) {
      await jobs.requestCancel(job.id);
      numbers.push((await reconcile.unannouncedEnd(job.id))?.attempt);
      await jobs.retry(job.id);
      await reconcile.markAnnounced(job.id, n);
    }
    expect(numbers).toEqual([0, 1, 2]);
    await jobs.requestCancel(job.id);
    expect(await reconcile.unannounced(10)).toHaveLength(1);
  });
});
