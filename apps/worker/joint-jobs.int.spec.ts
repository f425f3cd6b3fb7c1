import { type Job, PolyscribeError, type Transcript } from '#contracts';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type Script, segmentEvent, summaryEvent } from './testing/fakes.js';
import { wav } from './testing/wav.js';
import { WorkerHarness } from './testing/worker-harness.js';

let harness: WorkerHarness;

beforeAll(async () => {
  harness = await WorkerHarness.start();
});

afterAll(() => harness.stop());

const never = new AbortController().signal;
const [asr, whisperx, local] = [instanceOf('asr'), instanceOf('whisperx'), instanceOf('local')];
const long = wav(1, 200);
const short = wav(1, 2);
const engines = ['asr', 'whisperx', 'local'] as const;

/** Says that text in each call. */
function says(text: string): Script {
  return () => [segmentEvent(0, 1_000, text), summaryEvent()];
}

const fails: Script = () => [segmentEvent(0, 500, 'draft'), new PolyscribeError('engine_bad_response', 'It broke.')];

/** Does the first stretch and hangs on every other. */
function hangsLater(text: string, lanes: number): Script {
  return async function* ({ requestId }, signal) {
    yield segmentEvent(0, 1_000, text);
    if (Number(requestId.slice(requestId.lastIndexOf('-') + 1)) < lanes) yield summaryEvent();
    else await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  };
}

function run(worker: ReturnType<WorkerHarness['worker']>, job: Job, stop: AbortSignal = never) {
  return worker.consumer.handleJob(job.id, stop);
}

async function made(job: Job): Promise<Transcript> {
  const transcript = await harness.transcripts.findByJob(job.id);
  if (!transcript) throw new Error('there is no transcript');
  return transcript;
}

function textOf({ segments }: Pick<Transcript, 'segments'>): string {
  return segments.map(({ text }) => text).join(' | ');
}

describe('a job of several engines', () => {
  const three = {
    'asr:1': says('the cat sad on the mat'),
    'whisperx:1': says('The cat sat on the mat.'),
    'local:1': says('a cat sat on the'),
  };

  it('votes a text word by word, with the engine of each word', async () => {
    const job = await harness.submit(long, { engine: 'consensus', engines: [...engines] });
    await run(harness.worker([asr, whisperx, local], three), job);
    expect(await harness.find(job)).toMatchObject({ status: 'completed', progress: 100 });
    const transcript = await made(job);
    // Both stretches of the recording have the same words here.
    expect(textOf(transcript)).toBe('the cat sat on the mat | the cat sat on the mat');
    const words = transcript.segments.flatMap((segment) => segment.words ?? []);
    expect(words.map(({ engine }) => engine).slice(0, 3)).toEqual(['asr', 'asr', 'whisperx']);
    expect(transcript.lanes?.map(({ engine, segments }) => [engine, segments.length])).toEqual([
      ['asr', 2],
      ['whisperx', 2],
      ['local', 2],
    ]);
    expect(transcript).toMatchObject({ engineUsed: 'asr', language: 'en', durationMs: 200_000, model: 'model' });
    const { comparison } = transcript;
    expect(comparison?.pairs.map(({ engines: pair }) => pair)).toEqual([
      ['asr', 'whisperx'],
      ['asr', 'local'],
      ['whisperx', 'local'],
    ]);
    expect(comparison?.pairs[0]?.agreement).toBeCloseTo(5 / 6, 3);
    expect(comparison?.agreement).toBeGreaterThan(0.5);
    expect(comparison?.diff[0]).toMatchObject({ agreed: false, texts: ['the', 'The', 'a'] });
  });

  it('gives the first engine as the text and all of them beside it', async () => {
    const job = await harness.submit(short, { engine: 'compare', engines: ['local', 'asr'] });
    const worker = harness.worker([asr, whisperx, local], three);
    await run(worker, job);
    const transcript = await made(job);
    expect(textOf(transcript)).toBe('a cat sat on the');
    expect(transcript.engineUsed).toBe('local');
    expect(transcript.lanes?.map((lane) => [lane.engine, textOf(lane)])).toEqual([
      ['local', 'a cat sat on the'],
      ['asr', 'the cat sad on the mat'],
    ]);
    expect(worker.engines.calls.toSorted()).toEqual(['asr:1', 'local:1']);
  });

  it('tells subscribers whose text a segment is', async () => {
    const job = await harness.submit(short, { engine: 'compare', engines: ['asr', 'local'] });
    await run(harness.worker([asr, local], three), job);
    const deltas = (await harness.history(job)).flatMap((event) => (event.type === 'delta' ? [event.data] : []));
    expect(deltas.map(({ engine, span }) => [span, engine]).toSorted()).toEqual([
      [0, 'asr'],
      [1, 'local'],
    ]);
  });

  it('goes on without an engine that fails, and says so; no other does its work', async () => {
    const job = await harness.submit(long, { engine: 'consensus', engines: [...engines] });
    const worker = harness.worker([asr, whisperx, local], { ...three, 'whisperx:1': fails });
    await run(worker, job);
    const transcript = await made(job);
    expect(transcript.lanes?.find(({ engine }) => engine === 'whisperx')).toMatchObject({
      segments: [],
      error: { code: 'engine_bad_response', message: 'It broke.' },
    });
    expect(transcript.warnings).toEqual([
      { code: 'engine_failed', message: 'whisperx took no part: engine_bad_response: It broke.' },
    ]);
    expect(transcript.comparison?.engines).toEqual(['asr', 'local']);
    expect(worker.engines.calls.filter((address) => address === 'asr:1')).toHaveLength(2);
    expect(worker.engines.calls.filter((address) => address === 'local:1')).toHaveLength(2);
  });

  it('fails when all engines fail, and runs them all again when it is retried', async () => {
    const job = await harness.submit(short, { engine: 'compare', engines: ['asr', 'local'] });
    await harness.database.query('UPDATE transcript_jobs SET max_retries = 0 WHERE job_id = $1', [job.id]);
    await run(harness.worker([asr, local], { 'asr:1': fails, 'local:1': fails }), job);
    expect(await harness.find(job)).toMatchObject({ status: 'failed', failure: { code: 'engine_bad_response' } });
    await harness.jobs.retry(job.id);
    await run(harness.worker([asr, local], three), job);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
    expect((await made(job)).lanes?.map(({ error }) => error)).toEqual([undefined, undefined]);
  });

  it('redoes only what is not finished after it was broken off', async () => {
    const job = await harness.submit(long, { engine: 'compare', engines: ['asr', 'local'] });
    const stop = new AbortController();
    const scripts = { 'asr:1': says('all of it'), 'local:1': hangsLater('some', 2) };
    const first = run(harness.worker([asr, local], scripts), job, stop.signal);
    await eventually('the first lane and half of the second', async () => {
      const rows = await harness.database.query<{ done: number }>(
        `SELECT count(*)::integer AS done FROM transcript_spans WHERE state = 'done'
           AND transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1)`,
        [job.id],
      );
      return rows[0]?.done === 3;
    });
    stop.abort();
    await first;
    const second = harness.worker([asr, local], { 'asr:1': says('again'), 'local:1': says('the rest') });
    await run(second, job);
    expect(second.engines.requests.map(({ requestId }) => requestId)).toEqual([`${job.id}-3`]);
    const transcript = await made(job);
    expect(textOf(transcript)).toBe('all of it | all of it');
    expect(transcript.lanes?.map(textOf)).toEqual(['all of it | all of it', 'some | the rest']);
  });

  it('waits for a full engine and keeps what the other did', async () => {
    const job = await harness.submit(short, { engine: 'compare', engines: ['asr', 'local'] });
    const busy = () => [new PolyscribeError('engine_busy', 'Full.')];
    const outcome = await run(harness.worker([asr, local], { ...three, 'local:1': busy }), job);
    expect(outcome?.afterMs).toBeGreaterThan(0);
    expect(await harness.find(job)).toMatchObject({ status: 'queued', attempts: 0 });
    await harness.database.query('UPDATE transcript_jobs SET not_before = now() WHERE job_id = $1', [job.id]);
    const second = harness.worker([asr, local], three);
    await run(second, job);
    expect(second.engines.calls).toEqual(['local:1']);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
  });

  it('stops all engines when it is cancelled', async () => {
    const job = await harness.submit(short, { engine: 'consensus', engines: ['asr', 'local'] });
    const worker = harness.worker([asr, local], { 'asr:1': hangsLater('a', 0), 'local:1': hangsLater('b', 0) });
    const running = run(worker, job);
    await eventually('both engines at work', () => worker.engines.inProgress === 2);
    await harness.jobs.requestCancel(job.id);
    await running;
    expect(await harness.find(job)).toMatchObject({ status: 'cancelled' });
    expect(worker.engines.inProgress).toBe(0);
  });

  it('keeps channels apart within each engine', async () => {
    const options = { engine: 'consensus', engines: ['asr', 'local'], separateChannels: true } as const;
    const job = await harness.submit(wav(2, 2), { ...options, engines: [...options.engines] });
    await run(harness.worker([asr, local], { 'asr:1': says('yes sir'), 'local:1': says('yes sir') }), job);
    const { segments, comparison } = await made(job);
    expect(segments.map(({ channel, text }) => [channel, text])).toEqual([
      [0, 'yes sir'],
      [1, 'yes sir'],
    ]);
    expect(comparison?.agreement).toBe(1);
    expect(comparison?.diff.map(({ channel }) => channel)).toEqual([0, 1]);
  });
});
