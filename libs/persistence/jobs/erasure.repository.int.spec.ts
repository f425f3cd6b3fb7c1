import { randomUUID } from 'node:crypto';
import { Database, ErasureRepository, JobLeaseRepository, JobRepository, LeaseLostError } from '#persistence';
import { newJob, startTestDatabase, type TestDatabase } from '../testing.js';

describe('ErasureRepository', () => {
  let postgres: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let erasures: ErasureRepository;

  beforeAll(async () => {
    postgres = await startTestDatabase();
    database = new Database(postgres.url);
    await database.connect();
    jobs = new JobRepository(database);
    erasures = new ErasureRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await postgres.stop();
  });
  beforeEach(async () => {
    await database.query('DELETE FROM erasures');
  });

  it('knows nothing of a transcript that is not there', async () => {
    expect(await erasures.begin(randomUUID(), 0)).toBeUndefined();
  });

  it('notes where the media lie before the row goes, and is repeatable until then', async () => {
    const job = newJob();
    await jobs.create(job);
    const noted = { transcriptId: job.transcriptId, jobId: job.id, mediaKey: `media/${job.id}` };
    expect(await erasures.begin(job.transcriptId, 0)).toEqual(noted);
    expect(await erasures.begin(job.transcriptId, 0)).toEqual(noted);
    expect(await erasures.removeRows(job.transcriptId)).toBe(true);
    expect(await jobs.find(job.id)).toBeUndefined();
    expect(await erasures.removeRows(job.transcriptId)).toBe(false);
    expect(await erasures.begin(job.transcriptId, 0)).toBeUndefined();
    expect(await erasures.takeDue(10, 60_000)).toEqual([noted]);
  });

  it('gives what is due to one caller, and what is not due to none', async () => {
    const [due, later] = [newJob(), newJob()];
    for (const job of [due, later]) await jobs.create(job);
    await erasures.begin(due.transcriptId, 0);
    await erasures.begin(later.transcriptId, 60_000);
    const taken = await Promise.all([erasures.takeDue(10, 60_000), erasures.takeDue(10, 60_000)]);
    expect(taken.flat().map(({ jobId }) => jobId)).toEqual([due.id]);
  });

  it('forgets an erasure only after a pass that came long enough after the rows went', async () => {
    const job = newJob();
    await jobs.create(job);
    await erasures.begin(job.transcriptId, 60_000);
    await erasures.passed(job.transcriptId, 0);
    expect(await erasures.takeDue(10, 0)).toHaveLength(1);
    await erasures.removeRows(job.transcriptId);
    await erasures.passed(job.transcriptId, 60_000);
    expect(await erasures.takeDue(10, 0)).toEqual([]);
    await erasures.passed(job.transcriptId, 0);
    expect(await database.query('SELECT 1 FROM erasures')).toEqual([]);
  });

  it('takes the job from its worker', async () => {
    const job = newJob();
    await jobs.create(job);
    const leases = new JobLeaseRepository(database);
    const claim = await leases.claim(job.id, 'worker-1', 60_000);
    if (!claim) throw new Error('The job cannot be claimed.');
    await erasures.begin(job.transcriptId, 0);
    await erasures.removeRows(job.transcriptId);
    expect(await leases.renew(claim.lease, 60_000)).toBe('lost');
    await expect(leases.planSpans(claim.lease, [{ index: 0, startMs: 0, endMs: 1 }])).rejects.toThrow(LeaseLostError);
  });
});
