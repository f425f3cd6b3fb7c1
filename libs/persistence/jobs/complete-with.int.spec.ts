import { jest } from '@jest/globals';
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

const none: EndParts['events'] = { sql: () => 'NULL::bigint', addition: {} };

function missing(): never {
  throw new Error('There is no such claim.');
}

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

  it('writes where the span lies and what the headers say, unless that is written already', async () => {
    const claim = await planned(0);
    const place = { index: 0, startMs: 0, endMs: 4_321, tailMs: 7 };
    const facts = {
      media: { container: 'wav', durationMs: 4_321, audio: { codec: 'pcm_s16le', channels: 1, sampleRateHz: 16_000 } },
      expectedMs: 99,
    };
    const events = await eventsOf(claim);
    await leases.completeWith(claim.lease, { ...result, facts }, { span: { ...last, place }, events });
    const [span] = await database.query(
      `SELECT start_ms, end_ms, lead_ms, tail_ms, state FROM transcript_spans
       WHERE transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1)`,
      [claim.job.id],
    );
    expect(span).toEqual({ start_ms: 0, end_ms: 4_321, lead_ms: 0, tail_ms: 7, state: 'done' });
    expect(await jobs.find(claim.job.id)).toMatchObject({ media: { facts: facts.media }, expectedMs: 99 });
  });

  it('writes jobs of one moment in one statement, each under its own lease, but for one that is refused', async () => {
    const claims = await Promise.all([0, 1, 2, 3, 4].map(() => planned(0)));
    const [lost, refused] = [2, 3];
    const before = await Promise.all(claims.map(state));
    const written = jest.spyOn(database, 'prepared');
    const ends = claims.map(async (claim, n) => {
      const { addition, ...rest } = await eventsOf(claim);
      const events = { ...rest, addition: n === refused ? { ...addition, data: ['{'] } : addition };
      const lease = n === lost ? { ...claim.lease, token: '00000000-0000-4000-8000-000000000000' } : claim.lease;
      return leases.completeWith(lease, result, { span: last, events });
    });
    const outcomes = await Promise.allSettled(ends);
    expect(written.mock.calls.length).toBeLessThanOrEqual(1 + claims.length);
    written.mockRestore();
    expect(outcomes.map((end) => (end.status === 'fulfilled' ? end.value?.segments : 'refused'))).toEqual([
      ...[2, 2, undefined, 'refused', 2],
    ]);
    for (const n of [lost, refused]) expect(await state(claims[n] ?? missing())).toEqual(before[n]);
    for (const n of [0, 1, 4]) {
      expect(await jobs.find(claims[n]?.job.id ?? '')).toMatchObject({ status: 'completed' });
    }
  });

  it('writes jobs of one moment in one statement where none is refused', async () => {
    const claims = await Promise.all([0, 1, 2, 3].map(() => planned(0)));
    const events = await Promise.all(claims.map(eventsOf));
    const written = jest.spyOn(database, 'prepared');
    const done = await Promise.all(
      claims.map((claim, n) => leases.completeWith(claim.lease, result, { span: last, events: events[n] ?? none })),
    );
    expect(written).toHaveBeenCalledTimes(1);
    written.mockRestore();
    expect(done).toEqual(claims.map(() => ({ segments: 2, lastSeq: '1' })));
    for (const { job } of claims) expect(await bus.history(job.id, 0, 10)).toHaveLength(1);
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
    const broken = { ...events, addition: { ...events.addition, data: ['{'] } };
    await expect(leases.completeWith(claim.lease, result, { span: last, events: broken })).rejects.toThrow();
    expect(await state(claim)).toEqual(before);
  });
});
