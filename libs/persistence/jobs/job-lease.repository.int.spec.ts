import { jest } from '@jest/globals';
import { eventually } from '#testing';
import { Database } from '../database.js';
import { startTestDatabase, type TestDatabase } from '../testing.js';
import { newJob, segment, spanResult } from '../testing/new-job.js';
import { TranscriptRepository } from '../transcripts/transcript.repository.js';
import { JobLeaseRepository, type JobResult } from './job-lease.repository.js';
import { JobRepository } from './job.repository.js';
import { type Claim, LeaseLostError } from './lease.js';

const result: JobResult = { language: 'en', durationMs: 20_000, engineUsed: 'local', model: 'base', warnings: [] };
const spans = [
  { index: 0, startMs: 0, endMs: 10_000 },
  { index: 1, startMs: 10_000, endMs: 20_000 },
];
const by = { engine: 'local', instance: 'local-1' } as const;

describe('JobLeaseRepository', () => {
  let server: TestDatabase;
  let database: Database;
  let jobs: JobRepository;
  let leases: JobLeaseRepository;
  let transcripts: TranscriptRepository;
  beforeAll(async () => {
    server = await startTestDatabase();
    database = new Database(server.url);
    await database.connect();
    jobs = new JobRepository(database);
    leases = new JobLeaseRepository(database);
    transcripts = new TranscriptRepository(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  async function claimed(jobId?: string, leaseMs = 60_000): Promise<Claim> {
    const id = jobId ?? (await jobs.create(newJob())).id;
    const claim = await leases.claim(id, 'worker-1', leaseMs);
    if (!claim) throw new Error('The job was not free.');
    return claim;
  }

  /** Makes the lease run out. */
  async function expire(jobId: string): Promise<void> {
    await database.query(`UPDATE transcript_jobs SET lease_until = now() - interval '1 second' WHERE job_id = $1`, [
      jobId,
    ]);
  }

  it('gives a job to one of many workers that claim it at once', async () => {
    const job = await jobs.create(newJob());
    const claims = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => leases.claim(job.id, `w${String(n)}`, 60_000)));
    const won = claims.filter((claim) => claim !== undefined);
    expect(won).toHaveLength(1);
    expect(won[0]).toMatchObject({ job: { status: 'processing', attempts: 1 }, spans: [], maxAttempts: 4 });
    expect((await jobs.find(job.id))?.workerId).toBe(won[0]?.lease.workerId);
  });

  it('gives nothing for jobs that run, have ended, are not due or do not exist', async () => {
    const running = await claimed();
    const ended = await claimed();
    await leases.cancelled(ended.lease);
    const later = await claimed();
    await leases.giveBack(later.lease, { afterMs: 60_000, countAttempt: true });
    for (const id of [running.job.id, ended.job.id, later.job.id, newJob().id]) {
      expect(await leases.claim(id, 'w2', 60_000)).toBeUndefined();
    }
  });

  it('hands a dead worker’s job on with the spans that are done and those cut short', async () => {
    const first = await claimed();
    await leases.planSpans(first.lease, spans);
    await leases.startSpan(first.lease, 0, by);
    await leases.commitSpan(first.lease, 0, spanResult([segment(0, 0), segment(0, 1)]));
    await leases.startSpan(first.lease, 1, by);
    await leases.recordFailedAttempt(first.lease, { ...by, code: 'engine_timeout', message: 'slow' });
    await expire(first.job.id);
    const second = await claimed(first.job.id);
    expect(second.job.attempts).toBe(2);
    expect(second.lease.attempt).toBeGreaterThan(first.lease.attempt);
    expect(second.spans).toMatchObject([
      { index: 0, state: 'done', engine: 'local', model: 'base', language: 'en' },
      { index: 1, state: 'running' },
    ]);
  });

  it('lets a worker whose job was handed on write nothing', async () => {
    const stale = await claimed();
    await leases.planSpans(stale.lease, spans);
    await expire(stale.job.id);
    const holder = await claimed(stale.job.id);
    const before = await database.query('SELECT * FROM transcript_jobs WHERE job_id = $1', [stale.job.id]);
    const { lease } = stale;
    const writes: (() => Promise<unknown>)[] = [
      () => leases.reportProgress(lease, { progress: 50, stage: 'x', message: 'x' }),
      () => leases.planSpans(lease, [{ index: 9, startMs: 0, endMs: 1 }]),
      () => leases.startSpan(lease, 0, by),
      () => leases.recordFailedAttempt(lease, { ...by, code: 'internal', message: 'x' }),
      () => leases.commitSpan(lease, 0, spanResult([segment(0, 0)])),
      () => leases.complete(lease, result),
      () => leases.fail(lease, { code: 'internal', message: 'x', retryable: false }),
      () => leases.cancelled(lease),
      () => leases.giveBack(lease, { afterMs: 0, countAttempt: true }),
    ];
    for (const write of writes) await expect(write()).rejects.toBeInstanceOf(LeaseLostError);
    expect(await leases.renew(lease, 60_000)).toBe('lost');
    expect(await database.query('SELECT * FROM transcript_jobs WHERE job_id = $1', [stale.job.id])).toEqual(before);
    expect(await leases.renew(holder.lease, 60_000)).toBe('held');
    await expire(stale.job.id);
    const next = await claimed(stale.job.id);
    expect(next.spans).toMatchObject([
      { index: 0, state: 'planned' },
      { index: 1, state: 'planned' },
    ]);
  });

  it('knows at the next claim whether spans were planned as wholes', async () => {
    const first = await claimed();
    await leases.planSpans(first.lease, [{ index: 0, startMs: 0, endMs: 10_000, isWhole: true }]);
    await leases.planSpans(first.lease, [{ index: 1, startMs: 0, endMs: 10_000 }]);
    await expire(first.job.id);
    expect((await claimed(first.job.id)).spans).toMatchObject([{ isWhole: true }, { isWhole: false }]);
  });

  it('fails a job by itself when every attempt came to nothing', async () => {
    const { job } = await claimed();
    for (let n = 0; n < 3; n++) {
      await expire(job.id);
      await claimed(job.id);
    }
    await expire(job.id);
    expect(await leases.claim(job.id, 'w', 60_000)).toBeUndefined();
    expect((await jobs.find(job.id))?.failure).toEqual({
      code: 'internal',
      message: 'Gave up after 4 attempts: none came to an end. The worker of the last was lost at the stage queued.',
      retryable: true,
      attempts: [],
    });
  });

  it('does not count attempts that finished a span towards giving up', async () => {
    const { job, lease } = await claimed();
    await leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 10_000 }]);
    let latest = lease;
    async function loseWorkers(times: number): Promise<void> {
      for (let n = 0; n < times; n += 1) {
        await expire(job.id);
        latest = (await claimed(job.id)).lease;
      }
    }

    await loseWorkers(3);
    await leases.commitSpan(latest, 0, spanResult([]));
    await loseWorkers(4);
    await expire(job.id);
    expect(await leases.claim(job.id, 'w', 60_000)).toBeUndefined();
  });

  it('adds the calls that a lost worker was at to the history, up to the last 50', async () => {
    const { job, lease } = await claimed();
    const spans = [0, 1, 2].map((index) => ({ index, startMs: index * 1_000, endMs: index * 1_000 + 1_000 }));
    await leases.planSpans(lease, spans);
    for (const { index } of spans) await leases.startSpan(lease, index, { engine: 'asr', instance: `asr-${index}` });
    await leases.commitSpan(lease, 1, spanResult([]));
    const failed = { engine: 'local', instance: 'local-1', code: 'engine_timeout', message: 'late' } as const;
    for (let n = 0; n < 49; n += 1) await leases.recordFailedAttempt(lease, failed);
    await expire(job.id);
    const next = await claimed(job.id);
    await leases.fail(next.lease, { code: 'internal', message: 'x', retryable: true });
    const attempts = (await jobs.find(job.id))?.failure?.attempts ?? [];
    expect(attempts).toHaveLength(50);
    expect(attempts[0]).toEqual(failed);
    const lost = { engine: 'asr', code: 'internal', message: 'The worker was lost during this call.' };
    expect(attempts.slice(-2)).toEqual([
      { ...lost, instance: 'asr-0' },
      { ...lost, instance: 'asr-2' },
    ]);
  });

  it('tells for how long a job has been put back, and begins anew once it gets on', async () => {
    let claim = await claimed();
    await leases.planSpans(claim.lease, [{ index: 0, startMs: 0, endMs: 1_000 }]);
    await putBack('outage');
    expect(claim.waitedMs.outage).toBeGreaterThan(0);
    await putBack(undefined);
    expect(claim.waitedMs.outage).toBeGreaterThan(0);
    await putBack('busy');
    expect(claim.waitedMs).toEqual({ busy: expect.any(Number) as number, outage: 0 });
    await putBack('outage');
    expect(claim.waitedMs.busy).toBeGreaterThan(0);
    await leases.commitSpan(claim.lease, 0, spanResult([]));
    await putBack(undefined);
    expect(claim.waitedMs).toEqual({ busy: 0, outage: 0 });

    async function putBack(waitsFor: 'busy' | 'outage' | undefined): Promise<void> {
      await leases.giveBack(claim.lease, { afterMs: 0, countAttempt: false, ...(waitsFor && { waitsFor }) });
      const before = Date.now();
      await eventually('the clock to go on', () => Date.now() > before + 5);
      claim = await claimed(claim.job.id);
    }
  });

  it('does not count an attempt that a worker gave back for its own reasons', async () => {
    const { job, lease } = await claimed();
    expect(await leases.giveBack(lease, { afterMs: 0, countAttempt: false })).toBe('queued');
    expect(await jobs.find(job.id)).toMatchObject({ status: 'queued', attempts: 0 });
    expect((await claimed(job.id)).job.attempts).toBe(1);
  });

  it('tells the worker of a wish to cancel and ends the job when it gives it back', async () => {
    const { job, lease } = await claimed();
    expect(await leases.renew(lease, 60_000)).toBe('held');
    await jobs.requestCancel(job.id);
    expect(await leases.renew(lease, 60_000)).toBe('cancel_requested');
    expect(await leases.giveBack(lease, { afterMs: 0, countAttempt: true })).toBe('cancelled');
    expect((await jobs.find(job.id))?.status).toBe('cancelled');
  });

  it('ends a job whose worker died after the wish to cancel', async () => {
    const { job } = await claimed();
    await jobs.requestCancel(job.id);
    await expire(job.id);
    expect(await leases.claim(job.id, 'w2', 60_000)).toBeUndefined();
    expect((await jobs.find(job.id))?.status).toBe('cancelled');
  });

  it('never lets progress fall and keeps the time of each stage', async () => {
    const { job, lease } = await claimed();
    await leases.reportProgress(lease, { progress: 40, stage: 'transcribing', message: 'a' });
    await leases.reportProgress(lease, { progress: 30, stage: 'transcribing', message: 'b' });
    await leases.reportProgress(lease, { progress: 400, stage: 'joining', message: 'c' });
    const found = await jobs.find(job.id);
    expect(found).toMatchObject({ progress: 100, stage: 'joining', message: 'c' });
    expect(found?.stages.map(({ name, seconds }) => [name, typeof seconds])).toEqual([
      ['queued', 'number'],
      ['transcribing', 'number'],
      ['joining', 'undefined'],
    ]);
  });

  it('writes stages down together as if each had been told when it began', async () => {
    const { job, lease } = await claimed();
    await leases.reportProgress(lease, { progress: 1, stage: 'preparing', message: '' });
    const stages = [
      { name: 'preparing', agoMs: 4_000 },
      { name: 'transcribing', agoMs: 3_000 },
      { name: 'finishing', agoMs: 1_000 },
    ];
    await leases.reportProgress(lease, { progress: 5, stage: 'finishing', message: '', stages });
    await leases.reportProgress(lease, { progress: 7, stage: 'finishing', message: '', stages: [] });
    await leases.complete(lease, { ...result, stages: [{ name: 'last', agoMs: 250 }] });
    const ended = (await jobs.find(job.id))?.stages ?? [];
    expect(ended.map(({ name }) => name)).toEqual(['queued', 'preparing', 'transcribing', 'finishing', 'last']);
    expect(ended[2]?.seconds).toBeCloseTo(2, 2);
    expect(ended[4]?.seconds).toBeGreaterThanOrEqual(0.25);
    for (const { seconds } of ended) expect(seconds).toBeGreaterThanOrEqual(0);
  });

  it('bounds the stages and failed attempts that a job can gather', async () => {
    const { job, lease } = await claimed();
    for (let n = 0; n < 60; n++) {
      await leases.reportProgress(lease, { progress: 1, stage: `s${String(n)}`, message: '' });
      await leases.recordFailedAttempt(lease, { ...by, code: 'engine_timeout', message: String(n) });
    }
    await leases.fail(lease, { code: 'engine_timeout', message: 'no engine was fast enough', retryable: true });
    const found = await jobs.find(job.id);
    expect(found?.stages).toHaveLength(50);
    expect(found?.failure?.attempts).toHaveLength(50);
    expect(found?.failure?.attempts.at(-1)?.message).toBe('59');
    expect(found?.failure).toMatchObject({ code: 'engine_timeout', retryable: true });
  });

  it('writes spans down and that one has begun, in one step', async () => {
    const { lease, job } = await claimed();
    const twoSpans = [
      { index: 0, startMs: 0, endMs: 1000 },
      { index: 1, startMs: 1000, endMs: 9000 },
    ];
    const asr = { engine: 'asr' as const, instance: 'asr-1' };
    await leases.planSpans(lease, twoSpans, { index: 0, ...asr });
    // What is known of it later changes nothing of who is at it; and one that is planned can begin by itself.
    await leases.planSpans(lease, [{ index: 1, startMs: 1000, endMs: 2000 }], { index: 1, ...asr });
    await leases.planSpans(lease, [{ index: 1, startMs: 1000, endMs: 3000 }]);
    await leases.planSpans(lease, [], { index: 0, engine: 'local', instance: 'local-1' });
    const rows = await database.query(
      `SELECT span_index AS index, end_ms AS "endMs", state, tries, instance FROM transcript_spans
       WHERE transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1) ORDER BY span_index`,
      [job.id],
    );
    expect(rows).toEqual([
      { index: 0, endMs: 1000, state: 'running', tries: 2, instance: 'local-1' },
      { index: 1, endMs: 3000, state: 'running', tries: 1, instance: 'asr-1' },
    ]);
  });

  it('writes plans of several jobs together, each under its own lease', async () => {
    const claims = await Promise.all([1, 2, 3].map(() => claimed()));
    const token = '00000000-0000-4000-8000-000000000000';
    const begun = { index: 0, engine: 'asr' as const, instance: 'asr-1' };
    const written = jest.spyOn(database, 'prepared');
    const plans = claims.map(async ({ lease }, n) =>
      leases.planSpans(n === 1 ? { ...lease, token } : lease, [{ index: 0, startMs: n, endMs: 1000 }], begun),
    );
    const outcomes = await Promise.allSettled(plans);
    expect(written).toHaveBeenCalledTimes(1);
    written.mockRestore();
    const isLost = (plan: PromiseSettledResult<void>) =>
      plan.status === 'rejected' && plan.reason instanceof LeaseLostError;
    expect(outcomes.map(isLost)).toEqual([false, true, false]);
    const rows = await database.query(
      `SELECT job_id AS job, start_ms AS "startMs", state, instance FROM transcript_spans
       JOIN transcript_jobs AS job ON job.id = transcript_job_id WHERE job_id = ANY($1) ORDER BY start_ms`,
      [claims.map(({ job }) => job.id)],
    );
    const row = (n: number) => ({ job: claims[n]?.job.id, startMs: n, state: 'running', instance: 'asr-1' });
    expect(rows).toEqual([row(0), row(2)]);
  });

  it('leaves a span that is done as it is', async () => {
    const { job, lease } = await claimed();
    await leases.planSpans(lease, spans);
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0)]));
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0), segment(0, 1)]));
    await leases.startSpan(lease, 0, by);
    await leases.planSpans(lease, [{ index: 0, startMs: 5, endMs: 6 }]);
    await expire(job.id);
    const again = await claimed(job.id);
    expect(again.spans[0]).toMatchObject({ state: 'done', startMs: 0, endMs: 10_000 });
  });

  it('refuses to complete a job with open spans, and to commit a span that was never planned', async () => {
    const { lease } = await claimed();
    await leases.planSpans(lease, spans);
    await expect(leases.complete(lease, result)).rejects.toMatchObject({ code: 'internal' });
    await expect(leases.commitSpan(lease, 7, spanResult([]))).rejects.toMatchObject({ code: 'internal' });
  });

  it('completes a job whose audio is silent', async () => {
    const { job, lease } = await claimed();
    await leases.complete(lease, { ...result, fallbackReason: 'asr was away' });
    expect(await jobs.find(job.id)).toMatchObject({ status: 'completed', progress: 100 });
    expect(await transcripts.findByJob(job.id)).toMatchObject({ segments: [], fallbackReason: 'asr was away' });
    await expect(leases.complete(lease, result)).rejects.toBeInstanceOf(LeaseLostError);
  });

  it('gives segments in time order whatever the order in which spans were done', async () => {
    const { job, lease } = await claimed();
    await leases.planSpans(lease, spans);
    const words = [{ text: 'hi', startMs: 10_000.4, endMs: 10_499.6, confidence: 0.9 }];
    await leases.commitSpan(
      lease,
      1,
      spanResult([segment(1, 0, { words, confidence: 0.25, channel: 0, text: 'hi\0' })]),
    );
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0), segment(0, 1)]));
    expect(await transcripts.findByJob(job.id)).toBeUndefined();
    await leases.complete(lease, result);
    const transcript = await transcripts.findById(job.transcriptId);
    expect(transcript?.segments.map(({ id }) => id)).toEqual(['0-0', '0-1', '1-0']);
    expect(transcript?.segments[2]).toEqual({
      ...segment(1, 0, { confidence: 0.25, channel: 0, text: 'hi\uFFFD' }),
      words: [{ text: 'hi', startMs: 10_000, endMs: 10_500, confidence: 0.9 }],
    });
    expect(await transcripts.counts(job.id)).toEqual({ segments: 3, durationMs: 20_000 });
    expect(await transcripts.summary(job.id)).toMatchObject({ language: 'en', engineUsed: 'local', model: 'base' });
  });

  it('says of each segment which engine wrote it where there were several', async () => {
    const { job, lease } = await claimed();
    await leases.planSpans(lease, spans);
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0)]));
    await leases.commitSpan(lease, 1, { ...spanResult([segment(1, 0)]), engine: 'asr' });
    await leases.complete(lease, result);
    const { segments = [] } = (await transcripts.findByJob(job.id)) ?? {};
    expect(segments.map(({ engine }) => engine)).toEqual(['local', 'asr']);
  });

  it('numbers speakers from 0 in order of first speech over the whole transcript', async () => {
    const { job, lease } = await claimed();
    await leases.planSpans(lease, spans);
    const words = [
      { text: 'a', startMs: 0, endMs: 100, speakerTag: 7 },
      { text: 'b', startMs: 100, endMs: 200, speakerTag: 3 },
      { text: 'c', startMs: 200, endMs: 300 },
    ];
    await leases.commitSpan(lease, 0, spanResult([segment(0, 0, { speakerTag: 7, words }), segment(0, 1)]));
    await leases.commitSpan(lease, 1, spanResult([segment(1, 0, { speakerTag: 0 }), segment(1, 1, { speakerTag: 3 })]));
    const speech = await leases.speech(lease);
    expect(speech).toEqual([
      { speakerTag: 0, text: 'text 0' },
      { speakerTag: 2, text: 'text 0' },
      { speakerTag: 1, text: 'text 1' },
    ]);
    await leases.complete(lease, { ...result, speakerRoles: { 0: 'agent', 2: 'customer' } });
    const { segments = [], speakerRoles } = (await transcripts.findByJob(job.id)) ?? {};
    expect(speakerRoles).toEqual({ 0: 'agent', 2: 'customer' });
    expect(segments.map(({ speakerTag }) => speakerTag)).toEqual([0, undefined, 2, 1]);
    expect(segments[0]?.words?.map(({ text, speakerTag }) => [text, speakerTag])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', undefined],
    ]);
  });

  it('keeps a transcript of ten thousand segments', async () => {
    const { job, lease } = await claimed();
    await leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: 36_000_000 }]);
    const many = Array.from({ length: 10_000 }, (_, n) => segment(0, n, { speakerTag: 1 }));
    await leases.commitSpan(lease, 0, spanResult(many));
    await leases.complete(lease, { ...result, durationMs: 36_000_000 });
    const transcript = await transcripts.findByJob(job.id);
    expect(transcript?.segments).toHaveLength(10_000);
    expect(transcript?.segments.at(-1)).toEqual({ ...segment(0, 9_999), speakerTag: 0 });
  });

  it('raises the revision of a job with every change, whoever makes it', async () => {
    const created = await jobs.create(newJob());
    const revisions = [created.revision];
    const note = async () => revisions.push((await jobs.find(created.id))?.revision ?? Number.NaN);
    const { lease, job } = await claimed(created.id);
    revisions.push(job.revision);
    await leases.reportProgress(lease, { progress: 10, stage: 'transcribing', message: '' });
    await note();
    await jobs.requestCancel(created.id);
    await note();
    await leases.cancelled(lease);
    await note();
    await jobs.retry(created.id);
    await note();
    expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
  });
});
