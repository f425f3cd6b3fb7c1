import { randomUUID } from 'node:crypto';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob } from '../testing/new-job.js';
import { JobRepository, type NewJob } from './job.repository.js';
import { RetentionRepository } from './retention.repository.js';

const HOUR_MS = 3_600_000;

describe('RetentionRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let retention: RetentionRepository;
  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    retention = new RetentionRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  async function ended(hoursAgo: number, changes: Partial<NewJob> = {}) {
    const job = await jobs.create({ ...newJob(), ...changes });
    await jobs.requestCancel(job.id);
    await database.query(`UPDATE transcript_jobs SET completed_at = now() - $2 * interval '1 hour' WHERE job_id = $1`, [
      job.id,
      hoursAgo,
    ]);
    return { jobId: job.id, key: job.media?.key };
  }

  it('lets the media of jobs go that have ended long ago, the oldest first and each once', async () => {
    const waiting = await jobs.create(newJob());
    const [older, old, recent] = [await ended(5), await ended(3), await ended(1)];
    expect(await retention.expireMedia(2 * HOUR_MS, 1)).toEqual([older]);
    expect(await retention.expireMedia(2 * HOUR_MS, 10)).toEqual([old]);
    expect(await retention.expireMedia(2 * HOUR_MS, 10)).toEqual([]);
    expect(await jobs.retry(old.jobId)).toBe('media_gone');
    expect((await jobs.find(old.jobId))?.mediaRemovedAt).toBeInstanceOf(Date);
    expect(await retention.withMedia([waiting.id, older.jobId, old.jobId, recent.jobId, randomUUID()])).toEqual(
      expect.arrayContaining([{ jobId: waiting.id, key: waiting.media?.key }, recent]),
    );
    expect(await retention.withMedia([older.jobId, old.jobId])).toEqual([]);
    expect(await jobs.retry(recent.jobId)).toBe('queued');
  });

  it('has nothing to let go of where a recording was never fetched', async () => {
    const remote = await ended(9, { media: { url: 'https://example.com/a.mp3', filename: 'a.mp3' } });
    expect(await retention.expireMedia(2 * HOUR_MS, 10)).toEqual([]);
    expect(await retention.withMedia([remote.jobId])).toEqual([]);
    expect(await jobs.retry(remote.jobId)).toBe('queued');
  });
});
