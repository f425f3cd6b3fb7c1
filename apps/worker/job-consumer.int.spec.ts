import { type Job, type JobEvent, PolyscribeError } from '#contracts';
import type { EventBus } from '#events';
import { JobLeaseRepository, ReconcileRepository } from '#persistence';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type Script, segmentEvent, summaryEvent } from './testing/fakes.js';
import { wav, withoutLength } from './testing/wav.js';
import { WorkerHarness } from './testing/worker-harness.js';

let harness: WorkerHarness;

beforeAll(async () => {
  harness = await WorkerHarness.start();
});

afterAll(() => harness.stop());

const never = new AbortController().signal;
const asr = instanceOf('asr', { capabilities: { maxConcurrency: 1 } });
const local = instanceOf('local');
const long = wav(1, 200);
const short = wav(1, 2);

/** Two segments for each call, named after the call. */
const speaks: Script = ({ requestId }) => {
  const span = requestId.slice(requestId.lastIndexOf('-') + 1);
  return [segmentEvent(0, 500, `${span} one`), segmentEvent(500, 1000, `${span} two`), summaryEvent()];
};

function fails(code: 'engine_bad_response' | 'engine_unavailable' | 'internal'): Script {
  return () => [segmentEvent(0, 500, 'draft'), new PolyscribeError(code, `It said ${code}.`)];
}

/** One segment, then nothing until the call is broken off. */
const hangs: Script = async function* (_request, signal) {
  yield segmentEvent(0, 500, 'draft');
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
};

/** Does the first span and hangs on every other. */
const hangsLater: Script = (request, signal) =>
  request.requestId.endsWith('-0') ? speaks(request, signal) : hangs(request, signal);

function run(worker: ReturnType<WorkerHarness['worker']>, job: Job, stop: AbortSignal = never) {
  return worker.consumer.handleJob(job.id, stop);
}

/** What a reader of the stream has in hand at its end: deltas by id, without those that were made void. */
function readDeltas(events: readonly JobEvent[]): string[] {
  const segments = new Map<string, { span: number; text: string; t0: number }>();
  for (const event of events) {
    if (event.type === 'delta') segments.set(event.data.segment_id, event.data);
    if (event.type !== 'void') continue;
    for (const [id, { span }] of segments) if (span === event.data.span) segments.delete(id);
  }
  return [...segments.values()].toSorted((a, b) => a.t0 - b.t0).map(({ text }) => text);
}

function types(events: readonly JobEvent[]): string[] {
  return events.filter(({ type }) => type !== 'status').map(({ type }) => type);
}

async function texts(job: Job): Promise<string[] | undefined> {
  return (await harness.transcripts.findByJob(job.id))?.segments.map(({ text }) => text);
}

async function segmentsSeen(job: Job, count: number): Promise<void> {
  const seen = async () => (await harness.history(job)).filter(({ type }) => type === 'delta').length >= count;
  await eventually(`${count} deltas`, seen);
}

async function doneSpans(job: Job): Promise<number> {
  const rows = await harness.database.query(
    `SELECT 1 FROM transcript_spans WHERE state = 'done'
       AND transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1)`,
    [job.id],
  );
  return rows.length;
}

/** Lets a job that was put back be taken at once, with what else is to be true of its row. */
async function makeDue(job: Job, change: string): Promise<void> {
  await harness.database.query(`UPDATE transcript_jobs SET ${change}, not_before = now() WHERE job_id = $1`, [job.id]);
}

describe('JobConsumer', () => {
  it('turns a job into a transcript and tells of each step', async () => {
    const job = await harness.submit(long);
    await run(harness.worker([asr], { 'asr:1': speaks }), job);

    const expected = ['0 one', '0 two', '1 one', '1 two'];
    expect(await texts(job)).toEqual(expected);
    const transcript = await harness.transcripts.findByJob(job.id);
    expect(transcript).toMatchObject({ language: 'en', durationMs: 200_000, engineUsed: 'asr', model: 'model' });
    expect(transcript?.fallbackReason).toBeUndefined();

    const events = await harness.history(job);
    expect(readDeltas(events)).toEqual(expected);
    expect(types(events)).toEqual(['delta', 'delta', 'delta', 'delta', 'completed']);
    const progress = events.flatMap((event) => (event.type === 'status' ? [event.data.progress] : []));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(progress.at(-1)).toBe(100);
    const ended = await harness.find(job);
    expect(ended).toMatchObject({ status: 'completed', progress: 100, attempts: 1 });
    expect(ended.stages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['preparing', 'transcribing', 'finishing']),
    );
  });

  it('completes with no segment where there is no speech', async () => {
    const job = await harness.submit(wav(1, 2, true));
    await run(harness.worker([local], { 'local:1': () => [summaryEvent()] }), job);
    expect(await texts(job)).toEqual([]);
    expect(types(await harness.history(job))).toEqual(['completed']);
  });

  it('goes on with another engine and says why', async () => {
    const job = await harness.submit(short);
    await run(harness.worker([asr, local], { 'asr:1': fails('engine_bad_response'), 'local:1': speaks }), job);
    const transcript = await harness.transcripts.findByJob(job.id);
    expect(transcript).toMatchObject({ engineUsed: 'local', fallbackReason: expect.stringContaining('asr') as string });
    const events = await harness.history(job);
    expect(types(events)).toEqual(['delta', 'void', 'delta', 'delta', 'completed']);
    expect(readDeltas(events)).toEqual(['0 one', '0 two']);
  });

  it('fails with the history of its calls where another engine is not allowed', async () => {
    const job = await harness.submit(short, { engine: 'asr', allowFallback: false });
    await harness.database.query('UPDATE transcript_jobs SET max_retries = 0 WHERE job_id = $1', [job.id]);
    await run(harness.worker([asr, local], { 'asr:1': fails('engine_bad_response') }), job);
    expect(await harness.find(job)).toMatchObject({
      status: 'failed',
      failure: {
        code: 'engine_bad_response',
        retryable: true,
        attempts: [
          { engine: 'asr', instance: 'asr', code: 'engine_bad_response', message: 'It said engine_bad_response.' },
        ],
      },
    });
    expect((await harness.history(job)).at(-1)).toMatchObject({ type: 'error', data: { code: 'engine_bad_response' } });
  });

  it('fails a damaged file and leaves nothing of it behind', async () => {
    const job = await harness.submit(Buffer.from('this is no sound at all'.repeat(50)));
    await run(harness.worker([local], {}), job);
    expect(await harness.find(job)).toMatchObject({
      status: 'failed',
      failure: { code: 'unsupported_media', retryable: false },
    });
    expect(await harness.objects.stat(job.media?.key ?? '')).toBeUndefined();
    expect(await harness.jobs.retry(job.id)).toBe('media_gone');
  });

  it('completes a file that was cut off, with a warning', async () => {
    const job = await harness.submit(long.subarray(0, 44 + 100 * 32_000));
    await run(harness.worker([local], { 'local:1': speaks }), job);
    expect(await harness.transcripts.findByJob(job.id)).toMatchObject({
      durationMs: 100_000,
      warnings: [{ code: 'media_truncated' }],
    });
  });

  it('fails a file whose decoding takes too long, and keeps it for a retry', async () => {
    const job = await harness.submit(wav(2, 2));
    const slow = await harness.program('exec sleep 600');
    const worker = harness.worker([local], {}, {}, harness.events, { ffmpegPath: slow, timeoutMs: 300 });
    await run(worker, job);
    expect(await harness.find(job)).toMatchObject({
      status: 'failed',
      attempts: 1,
      failure: { code: 'media_timeout', retryable: true, message: expect.stringContaining('FFMPEG_TIMEOUT') as string },
    });
    await harness.jobs.retry(job.id);
    await run(harness.worker([local], { 'local:1': speaks }), job);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
  });

  it('does not take an engine that cannot read PCM for a damaged file', async () => {
    const job = await harness.submit(short);
    const refuses: Script = () => [new PolyscribeError('unsupported_media', 'What is this?')];
    await run(harness.worker([asr, local], { 'asr:1': refuses, 'local:1': speaks }), job);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
  });

  it('stops the engine and ends as cancelled when the client cancels', async () => {
    const job = await harness.submit(short);
    const worker = harness.worker([asr], { 'asr:1': hangs });
    const running = run(worker, job);
    await segmentsSeen(job, 1);
    await expect(harness.jobs.requestCancel(job.id)).resolves.toBe('requested');
    await running;
    expect(await harness.find(job)).toMatchObject({ status: 'cancelled' });
    await eventually('the engine to be free', () => worker.engines.inProgress === 0);
    expect((await harness.history(job)).at(-1)?.type).toBe('cancelled');
  });

  it('fails a job that takes too long, and a retry goes on from what is finished', async () => {
    const job = await harness.submit(long);
    await run(harness.worker([asr], { 'asr:1': hangsLater }, { jobTimeoutMs: 3_000 }), job);
    expect(await harness.find(job)).toMatchObject({
      status: 'failed',
      failure: { code: 'engine_timeout', retryable: true },
    });

    await harness.jobs.retry(job.id);
    const second = harness.worker([asr], { 'asr:1': speaks });
    await run(second, job);
    expect(second.engines.calls).toHaveLength(1);
    const events = await harness.history(job);
    expect(types(events).filter((type) => type === 'error' || type === 'completed')).toEqual(['error', 'completed']);
    expect(readDeltas(events)).toEqual(await texts(job));
  });

  it('hands a job back when the worker stops, and another goes on with what is not finished', async () => {
    const job = await harness.submit(long);
    const stop = new AbortController();
    const first = run(harness.worker([asr], { 'asr:1': hangsLater }), job, stop.signal);
    await segmentsSeen(job, 3);
    stop.abort();
    await expect(first).resolves.toEqual({ afterMs: 0 });
    expect(await harness.find(job)).toMatchObject({ status: 'queued', attempts: 0 });
    expect((await harness.history(job)).at(-1)).toMatchObject({ type: 'status', data: { status: 'queued' } });

    const second = harness.worker([asr], { 'asr:1': speaks });
    await run(second, job);
    expect(second.engines.requests.map(({ requestId }) => requestId)).toEqual([`${job.id}-1`]);
    expect(await texts(job)).toEqual(['0 one', '0 two', '1 one', '1 two']);
    const events = await harness.history(job);
    expect(types(events)).toEqual(['delta', 'delta', 'delta', 'void', 'delta', 'delta', 'completed']);
    expect(readDeltas(events)).toEqual(await texts(job));
  });

  it('cuts a file of unknown length to its end after an attempt that planned only its beginning', async () => {
    const job = await harness.submit(await withoutLength(200), { enableDiarization: true, onUnsupported: 'warn' });
    const stop = new AbortController();
    const worker = harness.worker([asr], { 'asr:1': hangsLater });
    const first = run(worker, job, stop.signal);
    await eventually('the second call', () => worker.engines.calls.length === 2);
    await eventually('the first span', async () => (await doneSpans(job)) === 1);
    stop.abort();
    await first;
    await harness.database.query(
      `DELETE FROM transcript_spans WHERE span_index = 1
         AND transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1)`,
      [job.id],
    );
    await run(harness.worker([asr], { 'asr:1': speaks }), job);
    expect(await harness.transcripts.findByJob(job.id)).toMatchObject({ durationMs: 200_000 });
    expect(await texts(job)).toEqual(['0 one', '0 two', '1 one', '1 two']);
  });

  it('tells nothing of the work behind its end', async () => {
    const job = await harness.submit(short);
    let isHeld = false;
    const slow = {
      publish: async (...args: Parameters<EventBus['publish']>) => {
        if (args[1].some(({ type }) => type === 'delta')) {
          isHeld = true;
          const ended = async () => (await harness.history(job)).some(({ type }) => type === 'cancelled');
          await eventually('an end that does not wait', ended, 500).catch(() => undefined);
        }
        return harness.events.publish(...args);
      },
    };
    const running = run(harness.worker([asr], { 'asr:1': hangs }, {}, slow), job);
    await eventually('a delta on its way', () => isHeld);
    await harness.jobs.requestCancel(job.id);
    await running;
    expect((await harness.history(job)).map(({ type }) => type).slice(-2)).toEqual(['status', 'cancelled']);
    expect(types(await harness.history(job))).toEqual(['delta', 'cancelled']);
  });

  it('hands a job back without using up an attempt where nobody can be told of it', async () => {
    const job = await harness.submit(short);
    const stop = new AbortController();
    const deaf = {
      publish: async (...args: Parameters<EventBus['publish']>) => {
        const [event] = args[1];
        if (event?.type !== 'status' || event.data.status !== 'queued') return harness.events.publish(...args);
        throw new PolyscribeError('dependency_unavailable', 'The event bus is away.');
      },
    };
    const running = run(harness.worker([asr], { 'asr:1': hangs }, {}, deaf), job, stop.signal);
    await segmentsSeen(job, 1);
    stop.abort();
    await expect(running).resolves.toEqual({ afterMs: 0 });
    expect(await harness.find(job)).toMatchObject({ status: 'queued', attempts: 0 });
  });

  it('writes nothing more once another worker has the job', async () => {
    const job = await harness.submit(short);
    const stale = harness.worker([asr], { 'asr:1': hangs });
    const first = run(stale, job);
    await segmentsSeen(job, 1);
    await harness.database.query(
      `UPDATE transcript_jobs SET lease_until = now() - interval '1 minute', lease_token = gen_random_uuid() WHERE job_id = $1`,
      [job.id],
    );
    await run(harness.worker([asr], { 'asr:1': speaks }), job);
    await expect(first).resolves.toBeUndefined();
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
    expect(await texts(job)).toEqual(['0 one', '0 two']);
    expect(types(await harness.history(job))).toEqual(['delta', 'void', 'delta', 'delta', 'completed']);
  });

  it('leaves a job alone that another worker has', async () => {
    const job = await harness.submit(short);
    await new JobLeaseRepository(harness.database).claim(job.id, 'other', 60_000);
    const worker = harness.worker([asr], { 'asr:1': speaks });
    await expect(run(worker, job)).resolves.toBeUndefined();
    expect(worker.engines.calls).toEqual([]);
  });

  it('waits for an engine without using up attempts, and gives up when the outage lasts', async () => {
    const job = await harness.submit(short);
    const worker = harness.worker([], {}, { engineWaitMs: 50 });
    await expect(run(worker, job)).resolves.toMatchObject({ afterMs: expect.any(Number) as number });
    expect(await harness.find(job)).toMatchObject({ status: 'queued', attempts: 0 });

    await makeDue(job, `started_at = now() - interval '1 day'`);
    await expect(run(worker, job)).resolves.toMatchObject({ afterMs: expect.any(Number) as number });
    await makeDue(job, `outage_since = now() - interval '1 day'`);
    await expect(run(worker, job)).resolves.toBeUndefined();
    expect(await harness.find(job)).toMatchObject({
      status: 'failed',
      failure: { code: 'no_engine', retryable: true },
    });
  });

  it('does not fail a job on a short outage that has long waited for full engines', async () => {
    const job = await harness.submit(short);
    const full = instanceOf('asr', { inFlight: 1, capabilities: { maxConcurrency: 1 } });
    const busy: Script = () => [new PolyscribeError('engine_busy', 'full')];
    await run(harness.worker([full], { 'asr:1': busy, 'asr:2': busy }, { engineWaitMs: 50 }), job);
    await makeDue(job, `started_at = now() - interval '1 hour', busy_since = now() - interval '1 hour'`);
    const outage = harness.worker([], {}, { engineWaitMs: 50 });
    await expect(run(outage, job)).resolves.toMatchObject({ afterMs: expect.any(Number) as number });
    expect(await harness.find(job)).toMatchObject({ status: 'queued', attempts: 0 });
  });

  it.each(['internal', 'engine_unavailable', 'engine_bad_response'] as const)(
    'ends a job that always fails with %s',
    async (code) => {
      const job = await harness.submit(short);
      const worker = harness.worker([asr], { 'asr:1': fails(code) });
      let handled = 0;
      while ((await harness.find(job)).status !== 'failed') {
        await harness.database.query('UPDATE transcript_jobs SET not_before = now() WHERE job_id = $1', [job.id]);
        await run(worker, job);
        handled += 1;
      }
      expect(handled).toBe(4);
      expect(await harness.find(job)).toMatchObject({ attempts: 4, failure: { code } });
      expect(types(await harness.history(job)).at(-1)).toBe('error');
    },
  );

  it('ends a job that kills every worker', async () => {
    const job = await harness.submit(short);
    const leases = new JobLeaseRepository(harness.database);
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await leases.claim(job.id, 'doomed', 1);
      await harness.database.query(
        `UPDATE transcript_jobs SET lease_until = now() - interval '1 s' WHERE job_id = $1`,
        [job.id],
      );
    }
    await run(harness.worker([asr], { 'asr:1': speaks }), job);
    expect(await harness.find(job)).toMatchObject({ status: 'failed', failure: { code: 'internal' } });
    expect(types(await harness.history(job))).toEqual(['error']);
  });

  it('gives one span for the whole file where speakers are to be told apart', async () => {
    const job = await harness.submit(long, { enableDiarization: true, minSpeakers: 2 });
    const able = instanceOf('whisperx', { capabilities: { diarization: true } });
    const worker = harness.worker([asr, able], { 'whisperx:1': speaks });
    await run(worker, job);
    expect(worker.engines.requests).toMatchObject([{ audioMs: 200_000, diarization: { minSpeakers: 2 } }]);
    expect(await harness.transcripts.findByJob(job.id)).toMatchObject({ durationMs: 200_000 });
  });

  it('keeps channels apart and joins their segments in time order', async () => {
    const job = await harness.submit(wav(2, 4), { separateChannels: true });
    await run(harness.worker([local], { 'local:1': speaks }), job);
    const transcript = await harness.transcripts.findByJob(job.id);
    expect(transcript?.segments.map(({ text, channel }) => [text, channel])).toEqual([
      ['0 one', 0],
      ['1 one', 1],
      ['0 two', 0],
      ['1 two', 1],
    ]);
    expect(transcript?.durationMs).toBe(4000);
  });

  it('announces an end that a crash left untold, once', async () => {
    const job = await harness.submit(short);
    await run(harness.worker([local], { 'local:1': speaks }), job);
    await harness.database.query('UPDATE transcript_jobs SET announced = false WHERE job_id = $1', [job.id]);
    await harness.announcer().announceAll(100);
    expect(types(await harness.history(job)).filter((type) => type === 'completed')).toHaveLength(1);
    await expect(new ReconcileRepository(harness.database).unannouncedEnd(job.id)).resolves.toBeUndefined();
  });
});
