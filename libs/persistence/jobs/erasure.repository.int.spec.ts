import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import {
  Database,
  ErasureRepository,
  JobLeaseRepository,
  JobRepository,
  LeaseLostError,
  TranscriptRepository,
} from '#persistence';
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

  it('leaves nothing to whoever reads a transcript while it goes', async () => {
    const job = newJob();
    await jobs.create(job);
    await database.query(`UPDATE transcript_jobs SET status = 'completed', completed_at = now() WHERE job_id = $1`, [
      job.id,
    ]);
    const { manager } = database.dataSource;
    const read = manager.findOneBy.bind(manager);
    const reading = jest.spyOn(manager, 'findOneBy').mockImplementationOnce(async (...given) => {
      const found = await read(...given);
      await erasures.removeRows(job.transcriptId);
      return found;
    });
    expect(await new TranscriptRepository(database).counts(job.id)).toBeUndefined();
    reading.mockRestore();
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
