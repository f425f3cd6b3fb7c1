import { jest } from '@jest/globals';
import { type Job, type JobEvent, PolyscribeError } from '#contracts';
import { JobLeaseRepository, ReconcileRepository } from '#persistence';
import { instanceOf } from '../../libs/routing/testing.js';
import { type Script, segmentEvent, summaryEvent } from './testing/fakes.js';
import { wav } from './testing/wav.js';
import { WorkerHarness } from './testing/worker-harness.js';

const never = new AbortController().signal;
const local = instanceOf('local');
const short = wav(1, 2);
const away = new PolyscribeError('dependency_unavailable', 'The log is away.');

const speaks: Script = () => [segmentEvent(0, 500, 'one'), segmentEvent(500, 1000, 'two'), summaryEvent()];

describe('The last span of a job', () => {
  let harness: WorkerHarness;

  beforeAll(async () => {
    harness = await WorkerHarness.start();
  });

  afterAll(() => harness.stop());

  function run(job: Job) {
    const worker = harness.worker([local], { 'local:1': speaks });
    return { worker, ended: worker.consumer.handleJob(job.id, never) };
  }

  function deltas(events: readonly JobEvent[]): string[] {
    return events.flatMap((event) => (event.type === 'delta' ? [event.data.text] : []));
  }

  async function texts(job: Job): Promise<string[] | undefined> {
    return (await harness.transcripts.findByJob(job.id))?.segments.map(({ text }) => text);
  }

  it('is written with the end of a short job, of which nothing is left to be announced', async () => {
    const job = await harness.submit(short);
    await run(job).ended;
    expect(await texts(job)).toEqual(['one', 'two']);
    const history = await harness.history(job);
    expect(deltas(history)).toEqual(['one', 'two']);
    const ending = history.slice(-2).map((event) => (event.type === 'status' ? event.data.status : event.type));
    expect(ending).toEqual(['completed', 'completed']);
    expect(await new ReconcileRepository(harness.database).unannouncedEnd(job.id)).toBeUndefined();
  });

  it('is kept, and told once, where the end could not be written', async () => {
    const job = await harness.submit(short);
    jest.spyOn(harness.events, 'draft').mockRejectedValueOnce(away);
    expect(await run(job).ended).toBeDefined();
    expect(await harness.find(job)).toMatchObject({ status: 'queued' });
    expect(deltas(await harness.history(job))).toEqual(['one', 'two']);
    await harness.database.query('UPDATE transcript_jobs SET not_before = now() WHERE job_id = $1', [job.id]);
    const second = run(job);
    await second.ended;
    expect(second.worker.engines.calls).toHaveLength(0);
    expect(await texts(job)).toEqual(['one', 'two']);
    expect(deltas(await harness.history(job))).toEqual(['one', 'two']);
  });

  it('is kept with what the headers say where the end cannot be written, and where that cannot be written either', async () => {
    for (const isRefused of [false, true]) {
      const job = await harness.submit(short);
      jest.spyOn(harness.events, 'draft').mockRejectedValueOnce(away);
      const recording = jest.spyOn(JobLeaseRepository.prototype, 'recordFacts');
      if (isRefused) recording.mockRejectedValueOnce(away);
      await run(job).ended;
      recording.mockRestore();
      expect((await harness.find(job)).media?.facts === undefined).toBe(isRefused);
      const [span] = await harness.database.query(
        `SELECT state FROM transcript_spans JOIN transcript_jobs AS job ON job.id = transcript_job_id WHERE job_id = $1`,
        [job.id],
      );
      expect(span).toEqual({ state: 'done' });
    }
  });

  it('is not told again behind an end whose answer was lost', async () => {
    const job = await harness.submit(short);
    jest.spyOn(JobLeaseRepository.prototype, 'completeWith').mockImplementationOnce(async (...given) => {
      await new JobLeaseRepository(harness.database).completeWith(...given);
      throw away;
    });
    await run(job).ended;
    const history = await harness.history(job);
    expect(deltas(history)).toEqual(['one', 'two']);
    expect(history.at(-1)?.type).toBe('completed');
  });

  it('is written by itself once it is told, where the end cannot take it along', async () => {
    const job = await harness.submit(short, { enableDiarization: true, onUnsupported: 'warn' });
    const told: string[][] = [];
    jest.spyOn(JobLeaseRepository.prototype, 'commitSpan').mockImplementationOnce(async (...given) => {
      told.push(deltas(await harness.history(job)));
      return new JobLeaseRepository(harness.database).commitSpan(...given);
    });
    await run(job).ended;
    expect(told).toEqual([['one', 'two']]);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
    expect(deltas(await harness.history(job))).toEqual(['one', 'two']);
  });

  it('is neither told nor written by a worker that has lost the job', async () => {
    const job = await harness.submit(short);
    jest.spyOn(JobLeaseRepository.prototype, 'completeWith').mockImplementationOnce(async (...given) => {
      await harness.database.query(
        `UPDATE transcript_jobs SET lease_until = now() - interval '1 minute', lease_token = gen_random_uuid()
         WHERE job_id = $1`,
        [job.id],
      );
      return new JobLeaseRepository(harness.database).completeWith(...given);
    });
    await run(job).ended;
    const history = await harness.history(job);
    expect(history.map(({ type }) => type)).not.toContain('completed');
    const second = run(job);
    await second.ended;
    expect(second.worker.engines.calls).toHaveLength(1);
    expect(await texts(job)).toEqual(['one', 'two']);
  });
});
