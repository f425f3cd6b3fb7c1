import { type Job, type JobEvent, hasEnded } from '#contracts';
import { type ScriptedWord, ScriptedEngine, scriptedSpeech, scriptedWords, wavFile } from '#engine-testkit';
import { ErasureRepository, WorkerRepository } from '#persistence';
import { eventually } from '#testing';
import { TestMesh } from './support/mesh.js';

/** So many sentences of three words, no two alike for a long while. */
function sentences(count: number): ScriptedWord[][] {
  const word = (n: number) => scriptedWords[n % scriptedWords.length] ?? 'alpha';
  return Array.from({ length: count }, (_, n) => [word(n), word(Math.floor(n / 16)), word(n * 7 + 3)]);
}

const few = sentences(6);
/** A little over five minutes: three spans. */
const many = sentences(220);
/** Five minutes of words without a pause between them, so that every cut goes through speech. */
const unbroken = sentences(280).flat();
const unbrokenFile = wavFile(scriptedSpeech([unbroken]));
const fewFile = wavFile(scriptedSpeech(few));
const manyFile = wavFile(scriptedSpeech(many));
const textsOf = (said: readonly (readonly string[])[]) => said.map((words) => words.join(' '));

/** What a reader of the stream has in hand at its end. */
function readDeltas(events: readonly JobEvent[]): string[] {
  const segments = new Map<string, { span: number; text: string; t0: number }>();
  for (const event of events) {
    if (event.type === 'delta') segments.set(event.data.segment_id, event.data);
    if (event.type !== 'void') continue;
    for (const [id, { span }] of segments) if (span === event.data.span) segments.delete(id);
  }
  return [...segments.values()].toSorted((a, b) => a.t0 - b.t0).map(({ text }) => text);
}

describe('the worker in a mesh', () => {
  let mesh: TestMesh;

  beforeEach(async () => {
    mesh = await TestMesh.start();
  });

  afterEach(() => mesh.stop());

  async function ended(job: Job): Promise<Job> {
    const state = async () => {
      const found = await mesh.find(job);
      return hasEnded(found.status) ? found : undefined;
    };
    return eventually('the end of the job', state, 60_000);
  }

  it('writes down what an engine hears over the wire', async () => {
    await mesh.host(new ScriptedEngine());
    await mesh.work();
    const job = await mesh.submit(fewFile, { wordTimestamps: true });
    expect(await ended(job)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await mesh.texts(job)).toEqual(textsOf(few));
    await eventually('the announcement', async () => (await mesh.history(job)).at(-1)?.type === 'completed');
    expect(readDeltas(await mesh.history(job))).toEqual(textsOf(few));
    const transcript = await mesh.transcripts.findByJob(job.id);
    expect(transcript?.segments[0]?.words?.map(({ text }) => text)).toEqual(few[0]);
  });

  it('tells Prometheus of jobs, spans and calls', async () => {
    await mesh.host(new ScriptedEngine());
    await mesh.work();
    await ended(await mesh.submit(fewFile));
    const told = async (line: string) => (await mesh.metrics.render()).includes(line);
    await eventually('the job', () => told('polyscribe_worker_job_duration_seconds_count{outcome="completed"} 1'));
    expect(await told('polyscribe_spans_total{engine="local",outcome="done"} 1')).toBe(true);
    await eventually('the call', () =>
      told('polyscribe_engine_call_duration_seconds_count{engine="local",outcome="ok"} 1'),
    );
    expect(await told('polyscribe_engine_calls_running{engine="local"} 0')).toBe(true);
    await eventually('the worker to be free', () => told('polyscribe_worker_jobs_running 0'));
  });

  it.each([true, false])(
    'gives every word of speech without a pause once, with times of words: %s',
    async (wordTimestamps) => {
      const engine = new ScriptedEngine();
      await mesh.host(engine);
      await mesh.work();
      const job = await mesh.submit(unbrokenFile, { wordTimestamps });
      expect(await ended(job)).toMatchObject({ status: 'completed' });
      expect(engine.calls.length).toBeGreaterThan(4);
      const texts = await mesh.texts(job);
      expect(texts?.join(' ')).toBe(unbroken.join(' '));
      await eventually('the announcement', async () => (await mesh.history(job)).at(-1)?.type === 'completed');
      expect(readDeltas(await mesh.history(job))).toEqual(texts);
    },
  );

  it('joins the spans of a long file without losing or doubling a sentence', async () => {
    const engine = new ScriptedEngine();
    await mesh.host(engine);
    await mesh.work();
    const job = await mesh.submit(manyFile);
    await ended(job);
    expect(engine.calls.length).toBeGreaterThan(1);
    expect(await mesh.texts(job)).toEqual(textsOf(many));
  });

  it('goes on where a worker was killed, with another one', async () => {
    const engine = new ScriptedEngine({
      capabilities: { maxConcurrency: 1 },
      behave: (call) => (call === 2 ? { kind: 'hang', afterSegments: 5 } : { kind: 'work' }),
    });
    await mesh.host(engine);
    const first = mesh.spawnWorker();
    const job = await mesh.submit(manyFile);
    await eventually('the second span', () => engine.calls[1]?.segments === 5, 30_000);
    await eventually('the first span to be told whole', async () => readDeltas(await mesh.history(job)).length > 60);
    first.child.kill('SIGKILL');
    await first.exited;

    mesh.spawnWorker();
    expect(await ended(job)).toMatchObject({ status: 'completed', attempts: 2 });
    expect(await mesh.texts(job)).toEqual(textsOf(many));
    await eventually('the announcement', async () => (await mesh.history(job)).at(-1)?.type === 'completed');
    const events = await mesh.history(job);
    expect(readDeltas(events)).toEqual(textsOf(many));
    expect(events.filter(({ type }) => type === 'void')).toHaveLength(1);
    expect(engine.calls.filter(({ request }) => request.requestId.endsWith('-0'))).toHaveLength(1);
  }, 120_000);

  it('ends a job that kills every worker as failed, with what they were at, and a retry completes it', async () => {
    const engine = new ScriptedEngine({
      behave: (call) => (call <= 2 ? { kind: 'hang', afterSegments: 1 } : { kind: 'work' }),
    });
    await mesh.host(engine);
    const job = await mesh.submit(fewFile);
    await mesh.database.query('UPDATE transcript_jobs SET max_retries = 1 WHERE job_id = $1', [job.id]);
    for (const call of [0, 1]) {
      const worker = mesh.spawnWorker();
      await eventually('the engine to be at work', () => engine.calls[call]?.segments === 1, 60_000);
      worker.child.kill('SIGKILL');
      await worker.exited;
    }

    await mesh.work();
    const lost = { engine: 'local', code: 'internal', message: expect.stringContaining('lost') as string };
    expect(await ended(job)).toMatchObject({
      status: 'failed',
      attempts: 2,
      failure: { code: 'internal', retryable: true, attempts: [lost, lost] },
    });
    await eventually('the announcement', async () => (await mesh.history(job)).at(-1)?.type === 'error');

    expect(await mesh.jobs.retry(job.id)).toBe('queued');
    await mesh.queue.enqueue({ jobId: job.id, priority: 5 });
    expect(await ended(job)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(await mesh.texts(job)).toEqual(textsOf(few));
  }, 180_000);

  it('hands its job back on SIGTERM and exits with 0', async () => {
    const engine = new ScriptedEngine({
      behave: (call) => (call === 1 ? { kind: 'hang', afterSegments: 2 } : { kind: 'work' }),
    });
    await mesh.host(engine);
    const first = mesh.spawnWorker();
    const job = await mesh.submit(fewFile);
    await eventually('the engine to be at work', () => engine.calls[0]?.segments === 2, 30_000);
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    expect(await mesh.find(job)).toMatchObject({ status: 'queued', attempts: 0 });
    await eventually('the engine to be free', () => engine.calls[0]?.state === 'aborted');

    await mesh.work();
    await ended(job);
    expect(await mesh.texts(job)).toEqual(textsOf(few));
  }, 60_000);

  it('is counted while it is idle, and no longer once it has stopped', async () => {
    const workers = new WorkerRepository(mesh.database);
    const [first] = [await mesh.work(), await mesh.work()];
    await eventually('both to be counted', async () => (await workers.count()) === 2);
    await first.stop();
    expect(await workers.count()).toBe(1);
  });

  it('finishes an erasure that a crash left right after it was asked for, of a finished job and of a running one', async () => {
    const engine = new ScriptedEngine({ behave: (call) => (call === 1 ? { kind: 'work' } : { kind: 'hang' }) });
    await mesh.host(engine);
    await mesh.work({ reconcileEveryMs: 100, reconcileIdleMs: 100 });
    const finished = await ended(await mesh.submit(fewFile));
    const running = await mesh.submit(fewFile);
    await eventually('the second call', () => engine.calls.length === 2);
    const erasures = new ErasureRepository(mesh.database);
    for (const job of [finished, running]) await erasures.begin(job.transcriptId, 0);
    for (const job of [finished, running]) {
      await eventually('the rows to go', async () => (await mesh.jobs.find(job.id)) === undefined);
      await eventually('the media to go', async () => (await mesh.objects.stat(`media/${job.id}`)) === undefined);
    }
    await eventually('the engine to be free', () => engine.calls[1]?.state === 'aborted');
    const tables = ['transcripts', 'transcript_spans', 'transcript_segments', 'events.job_event'];
    await eventually('everything to be gone', async () => {
      const rows = await Promise.all(tables.map((table) => mesh.database.query(`SELECT 1 FROM ${table}`)));
      return rows.flat().length === 0;
    });
    expect(await mesh.queue.depth()).toBe(0);
  }, 60_000);

  it('frees the engine within two seconds of a cancel', async () => {
    const engine = new ScriptedEngine({ behave: () => ({ kind: 'hang', afterSegments: 1 }) });
    await mesh.host(engine);
    await mesh.work();
    const job = await mesh.submit(fewFile);
    await eventually('the engine to be at work', () => engine.calls[0]?.segments === 1);
    await mesh.jobs.requestCancel(job.id);
    await eventually('the engine to be free', () => engine.calls[0]?.state === 'aborted', 2_000);
    expect(await ended(job)).toMatchObject({ status: 'cancelled' });
  });

  it.each(['fail', 'garbage', 'hang'] as const)(
    'goes on with another engine after the first does this: %s',
    async (kind) => {
      const bad = new ScriptedEngine({
        engine: 'asr',
        behave: () => (kind === 'fail' ? { kind, code: 'engine_unavailable', afterSegments: 2 } : { kind }),
      });
      const good = new ScriptedEngine({ engine: 'local' });
      await mesh.host(bad);
      await mesh.host(good);
      await mesh.work({ callBaseMs: 2_000, callMsPerAudioMs: 0 });
      const job = await mesh.submit(fewFile, { engine: 'asr' });
      await ended(job);
      expect(await mesh.texts(job)).toEqual(textsOf(few));
      expect(await mesh.transcripts.findByJob(job.id)).toMatchObject({
        engineUsed: 'local',
        fallbackReason: expect.stringContaining('local stood in for asr, which failed') as string,
      });
      expect(bad.calls).toHaveLength(1);
    },
  );

  it('goes on with another engine when the process of the first goes away', async () => {
    const doomed = new ScriptedEngine({ engine: 'asr', behave: () => ({ kind: 'hang', afterSegments: 1 }) });
    const host = await mesh.host(doomed);
    await mesh.host(new ScriptedEngine({ engine: 'local' }));
    await mesh.work();
    const job = await mesh.submit(fewFile, { engine: 'asr' });
    await eventually('the engine to be at work', () => doomed.calls[0]?.segments === 1);
    await host.stop();
    await ended(job);
    expect(await mesh.texts(job)).toEqual(textsOf(few));
  });

  it('lets jobs take turns at an engine that has one place', async () => {
    const engine = new ScriptedEngine({ capabilities: { maxConcurrency: 1 } });
    await mesh.host(engine);
    await mesh.work({ maxConcurrency: 3 });
    await mesh.work({ maxConcurrency: 3 });
    const jobs = await Promise.all([1, 2, 3, 4, 5].map(() => mesh.submit(fewFile)));
    for (const job of jobs) expect(await ended(job)).toMatchObject({ status: 'completed', attempts: 1 });
    expect(engine.calls).toHaveLength(5);
  });

  it('waits for an engine that comes later', async () => {
    await mesh.work();
    const job = await mesh.submit(fewFile);
    await eventually('the ticket to be taken', async () => (await mesh.queue.waiting()) === 0);
    expect(await mesh.find(job)).toMatchObject({ status: 'queued', attempts: 0 });
    await mesh.host(new ScriptedEngine());
    expect(await ended(job)).toMatchObject({ status: 'completed', attempts: 1 });
  });

  it('takes up a job that has no queue entry', async () => {
    await mesh.host(new ScriptedEngine());
    const job = await mesh.submit(fewFile);
    await mesh.queue.remove(job.id);
    await mesh.work({ reconcileEveryMs: 200, unqueuedAfterMs: 0 });
    expect(await ended(job)).toMatchObject({ status: 'completed' });
  });

  it('announces the end that a worker before it left untold', async () => {
    await mesh.host(new ScriptedEngine());
    const first = await mesh.work();
    const job = await mesh.submit(fewFile);
    await eventually('the announcement', async () => (await mesh.history(job)).at(-1)?.type === 'completed');
    await first.stop();
    await mesh.database.query('DELETE FROM events.job_log WHERE job_id = $1', [job.id]);
    await mesh.database.query('UPDATE transcript_jobs SET announced = false WHERE job_id = $1', [job.id]);
    await mesh.work({ reconcileEveryMs: 200 });
    await eventually('the announcement', async () => (await mesh.history(job)).at(-1)?.type === 'completed');
    expect(await mesh.history(job)).toHaveLength(2);
  });
});
