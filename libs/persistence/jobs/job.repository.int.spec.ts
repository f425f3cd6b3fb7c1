import { randomUUID } from 'node:crypto';
import type { EventDraft } from '#events';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob } from '../testing/new-job.js';
import { JobLeaseRepository } from './job-lease.repository.js';
import { JobRepository } from './job.repository.js';

describe('JobRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;
  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it('gives back what was put in', async () => {
    const job = newJob({ sessionId: 's1', title: 'Rede', metadata: { nested: ['x'] } });
    const created = await jobs.create(job);
    expect(created).toMatchObject({ ...job, status: 'queued', progress: 0, attempts: 0, stage: 'queued' });
    expect(created.stages).toEqual([{ name: 'queued', startedAt: expect.any(Date) as Date }]);
    expect(await jobs.find(job.id)).toEqual(created);
    expect(await jobs.findByTranscript(job.transcriptId)).toEqual(created);
    expect(await jobs.find(randomUUID())).toBeUndefined();
  });

  it('stores hostile names and metadata that PostgreSQL itself would refuse', async () => {
    const job = newJob({ metadata: { 'k\0': 'a\0b', half: '\ud800' }, sessionId: 'x\0' });
    const created = await jobs.create({ ...job, media: { ...job.media, filename: "a\0'; DROP TABLE x;--.mp3" } });
    expect(created.media?.filename).toBe("a\uFFFD'; DROP TABLE x;--.mp3");
    expect(created.options.metadata).toEqual({ 'k\uFFFD': 'a\uFFFDb', half: '\uFFFD' });
  });

  it('writes neither row when one of them is refused', async () => {
    const first = newJob();
    await jobs.create(first);
    const second = { ...newJob(), id: first.id };
    await expect(jobs.create(second)).rejects.toMatchObject({ code: 'internal' });
    const rows = await database.query('SELECT 1 FROM transcripts WHERE id = $1', [second.transcriptId]);
    expect(rows).toEqual([]);
  });

  it('writes jobs of one moment and one line together with their news, but for one that is refused', async () => {
    const told: (string | number | null)[] = [];
    const newsOf = (id: string): EventDraft => ({
      sql: (addition) => `(SELECT length(${addition}->>'id') + length(${addition}->>'text'))`,
      addition: { id, text: 'x'.repeat(told.length + 1) },
      tell: (lastSeq) => Promise.resolve(void told.push(lastSeq)),
    });
    const taken = await jobs.create(newJob({ title: 'taken' }));
    const several = Array.from({ length: 5 }, () => newJob({ title: 'together' }));
    const outcomes = await Promise.allSettled([
      ...several.map(async (job, index) => jobs.create(job, index === 2 ? undefined : newsOf(job.id))),
      jobs.create({ ...newJob({ title: 'together' }), id: taken.id }, newsOf(taken.id)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([...several.map(() => 'fulfilled'), 'rejected']);
    expect(told).toEqual([37, 37, 37, 37]);
    for (const job of several) expect(await jobs.find(job.id)).toMatchObject(job);
    const whole = Array.from({ length: 4 }, () => newJob({ title: 'together' }));
    await Promise.all(whole.map(async (job) => jobs.create(job)));
    const transactions = await database.query<{ xmin: string }>(
      'SELECT DISTINCT xmin::text FROM transcript_jobs WHERE job_id = ANY ($1)',
      [whole.map(({ id }) => id)],
    );
    expect(transactions).toHaveLength(1);
  });

  it('pages through jobs newest first without gap or repeat while others come in', async () => {
    const sessionId = randomUUID();
    const ids: string[] = [];
    for (let n = 0; n < 7; n++) ids.push((await jobs.create(newJob({ sessionId }))).id);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await jobs.list({ sessionId, limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.jobs.map(({ id }) => id));
      cursor = page.nextCursor;
      await jobs.create(newJob({ sessionId }));
    } while (cursor !== undefined);
    expect(seen).toEqual(ids.reverse());
  });

  it('pages through jobs of the same millisecond', async () => {
    const sessionId = randomUUID();
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => jobs.create(newJob({ sessionId }))));
    await database.query('UPDATE transcript_jobs SET created_at = $2 WHERE session_id = $1', [sessionId, new Date(0)]);
    const first = await jobs.list({ sessionId, limit: 2 });
    const second = await jobs.list({ sessionId, limit: 3, cursor: first.nextCursor ?? '' });
    const seen = [...first.jobs, ...second.jobs].map(({ id }) => id);
    expect(seen.toSorted()).toEqual(made.map(({ id }) => id).toSorted());
    expect(second.nextCursor).toBeUndefined();
  });

  it('narrows a list by status, engine and time', async () => {
    const sessionId = randomUUID();
    const asr = await jobs.create(newJob({ sessionId, engine: 'asr' }));
    const local = await jobs.create(newJob({ sessionId, engine: 'local' }));
    await jobs.requestCancel(local.id);
    const idsOf = async (filter: object): Promise<string[]> =>
      (await jobs.list({ sessionId, limit: 10, ...filter })).jobs.map(({ id }) => id);
    expect(await idsOf({ status: 'cancelled' })).toEqual([local.id]);
    expect(await idsOf({ engine: 'asr' })).toEqual([asr.id]);
    expect(await idsOf({ createdAfter: asr.createdAt })).toHaveLength(2);
    expect(await idsOf({ createdBefore: asr.createdAt })).toEqual([]);
  });

  it.each(['', 'nonsense', Buffer.from('1.2; DROP').toString('base64url')])(
    'refuses the cursor "%s"',
    async (cursor) => {
      await expect(jobs.list({ limit: 1, cursor })).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );

  it('counts jobs by status', async () => {
    const before = await jobs.stats();
    await jobs.create(newJob());
    const after = await jobs.stats();
    expect(after).toEqual({ ...before, queued: before.queued + 1 });
  });

  it('cancels a waiting job at once and asks the worker of a running one', async () => {
    const waiting = await jobs.create(newJob());
    const running = await jobs.create(newJob());
    await leases.claim(running.id, 'w1', 60_000);
    expect(await jobs.requestCancel(waiting.id)).toBe('cancelled');
    expect(await jobs.requestCancel(waiting.id)).toBe('ended');
    expect(await jobs.requestCancel(running.id)).toBe('requested');
    expect(await jobs.requestCancel(randomUUID())).toBe('unknown');
    expect(await jobs.find(waiting.id)).toMatchObject({ status: 'cancelled', endedAt: expect.any(Date) as Date });
    expect(await jobs.find(running.id)).toMatchObject({ status: 'processing' });
  });

  it('cancels a job at once whose worker is gone', async () => {
    const job = await jobs.create(newJob());
    const claim = await leases.claim(job.id, 'w1', -1_000);
    expect(await jobs.requestCancel(job.id)).toBe('cancelled');
    expect(claim && (await leases.renew(claim.lease, 60_000))).toBe('lost');
  });

  it('runs a cancelled job again with its attempts counted anew, and no other', async () => {
    const job = await jobs.create(newJob());
    expect(await jobs.retry(job.id)).toBe('conflict');
    expect(await jobs.retry(randomUUID())).toBe('unknown');
    await jobs.requestCancel(job.id);
    expect(await jobs.retry(job.id)).toBe('queued');
    const again = await jobs.find(job.id);
    expect(again).toMatchObject({ status: 'queued', attempts: 0, progress: 0 });
    expect(again?.endedAt).toBeUndefined();
  });

  it('deletes a job with all that belongs to it', async () => {
    const job = await jobs.create(newJob());
    await jobs.delete(job.id);
    await jobs.delete(job.id);
    expect(await jobs.find(job.id)).toBeUndefined();
    expect(await database.query('SELECT 1 FROM transcripts WHERE id = $1', [job.transcriptId])).toEqual([]);
  });
});
