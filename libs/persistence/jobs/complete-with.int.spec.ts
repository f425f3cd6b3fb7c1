import type { JobEventBody } from '#contracts';
import { createEventBus, type EventBus } from '#events';
import { createLogger } from '#telemetry';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob, segment, spanResult } from '../testing/new-job.js';
import { TranscriptRepository } from '../transcripts/transcript.repository.js';
import { type EndParts, JobLeaseRepository, type JobResult } from './job-lease.repository.js';
import { JobRepository } from './job.repository.js';
import type { Claim } from './lease.js';

const result: JobResult = { language: 'en', durationMs: 10_000, engineUsed: 'local', model: 'base', warnings: [] };
const last = { index: 0, ...spanResult([segment(0, 0), segment(0, 1)]) };

describe('JobLeaseRepository, an end with all that goes along', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;
  let bus: EventBus;

  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
    bus = createEventBus({ databaseUrl: server.url, logger: createLogger('test', 'silent') });
  });

  afterAll(async () => {
    await bus.close();
    await database.close();
    await server.stop();
  });

  async function planned(...indexes: number[]): Promise<Claim> {
    const { id } = await jobs.create(newJob());
    const claim = await leases.claim(id, 'worker-1', 60_000);
    if (!claim) throw new Error('The job was not free.');
    const spans = indexes.map((index) => ({ index, startMs: index * 10_000, endMs: (index + 1) * 10_000 }));
    await leases.planSpans(claim.lease, spans);
    return claim;
  }

  async function eventsOf({ job, lease }: Claim): Promise<EndParts['events']> {
    const told: JobEventBody = { type: 'cancelled', data: { job_id: job.id } };
    const draft = await bus.draft(job.id, [told], { key: `end:${lease.attempt}` });
    if (!draft) throw new Error('The bus gives no draft.');
    return draft;
  }

  /** All that such an end may change. */
  async function state({ job }: Claim): Promise<unknown> {
    const rows = (sql: string) => database.query(sql, [job.id]);
    const own = '(SELECT id FROM transcript_jobs WHERE job_id = $1)';
    return Promise.all([
      rows('SELECT * FROM transcript_jobs WHERE job_id = $1'),
      rows(`SELECT * FROM transcript_spans WHERE transcript_job_id = ${own} ORDER BY span_index`),
      rows(`SELECT * FROM transcript_segments WHERE transcript_job_id = ${own} ORDER BY span_index, ordinal`),
      bus.history(job.id, 0, 10),
    ]);
  }

  it('writes the last span, the transcript, the end and its events together', async () => {
    const claim = await planned(0);
    const events = await eventsOf(claim);
    const done = await leases.completeWith(claim.lease, result, { span: last, events, isRowWanted: true });
    expect(done).toMatchObject({ segments: 2, lastSeq: '1' });
    expect(done?.job).toEqual(await jobs.find(claim.job.id));
    expect(done?.job).toMatchObject({ status: 'completed', progress: 100 });
    const transcript = await new TranscriptRepository(database).findByJob(claim.job.id);
    expect(transcript).toMatchObject({ language: 'en', durationMs: 10_000, segments: last.segments });
    expect(await bus.history(claim.job.id, 0, 10)).toMatchObject([{ seq: 1, type: 'cancelled' }]);
    const [row] = await database.query('SELECT announced, fruitful_attempts FROM transcript_jobs WHERE job_id = $1', [
      claim.job.id,
    ]);
    expect(row).toEqual({ announced: true, fruitful_attempts: 1 });
  });

  it('goes on while a process of a later version adds a column', async () => {
    const one = new Database(server.url, { poolSize: 1 });
    await one.connect();
    const workers = new JobLeaseRepository(one);
    for (const column of ['a', 'b']) {
      const claim = await planned(0);
      const events = await eventsOf(claim);
      const done = await workers.completeWith(claim.lease, result, { span: last, events, isRowWanted: true });
      expect(done?.job).toEqual(await jobs.find(claim.job.id));
      expect(await new JobRepository(one).create(newJob())).toMatchObject({ status: 'queued' });
      await one.query(`ALTER TABLE transcript_jobs ADD COLUMN later_${column} text`);
    }
    await one.close();
  });

  it('completes a job whose spans are all done, without its row where that is not wanted', async () => {
    const claim = await planned(0);
    await leases.commitSpan(claim.lease, 0, last);
    const events = await eventsOf(claim);
    expect(await leases.completeWith(claim.lease, result, { events })).toEqual({ segments: 2, lastSeq: '1' });
  });

  it('counts the segments of spans that were done before', async () => {
    const claim = await planned(0, 1);
    await leases.commitSpan(claim.lease, 0, last);
    const span = { index: 1, ...spanResult([segment(1, 0)]) };
    const events = await eventsOf(claim);
    expect(await leases.completeWith(claim.lease, result, { span, events })).toMatchObject({ segments: 3 });
  });

  it.each([
    ['the lease is lost', [0], { token: '00000000-0000-4000-8000-000000000000' }, last],
    ['another span is open', [0, 1], {}, last],
    ['the span was never planned', [1], {}, last],
    ['a speaker is to be numbered', [0], {}, { ...last, segments: [segment(0, 0, { speakerTag: 3 })] }],
  ])('writes nothing where %s', async (_why, indexes, changes, span) => {
    const claim = await planned(...indexes);
    const before = await state(claim);
    const events = await eventsOf(claim);
    expect(await leases.completeWith({ ...claim.lease, ...changes }, result, { span, events })).toBeUndefined();
    expect(await state(claim)).toEqual(before);
  });

  it('writes nothing where the span is done already or the text of another names a speaker', async () => {
    const claim = await planned(0, 1);
    await leases.commitSpan(claim.lease, 0, spanResult([segment(0, 0, { speakerTag: 3 })]));
    const before = await state(claim);
    const events = await eventsOf(claim);
    for (const index of [0, 1]) {
      expect(await leases.completeWith(claim.lease, result, { span: { ...last, index }, events })).toBeUndefined();
    }
    expect(await state(claim)).toEqual(before);
  });

  it('writes nothing where its events cannot be written', async () => {
    const claim = await planned(0);
    const before = await state(claim);
    const events = await eventsOf(claim);
    const broken = { ...events, parameters: events.parameters.with(2, ['{']) };
    await expect(leases.completeWith(claim.lease, result, { span: last, events: broken })).rejects.toThrow();
    expect(await state(claim)).toEqual(before);
  });
});
