import { access, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { type EngineEvent, type Job, type JobEvent, PolyscribeError } from '#contracts';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type Listener, segmentEvent, summaryEvent } from './testing/fakes.js';
import { wav } from './testing/wav.js';
import { WorkerHarness } from './testing/worker-harness.js';

let harness: WorkerHarness;

beforeAll(async () => {
  harness = await WorkerHarness.start();
});

afterAll(() => harness.stop());

const never = new AbortController().signal;
const asr = instanceOf('asr');
const local = instanceOf('local');
/** A decoder is needed to make one channel of the two. */
const recording = wav(2, 1);
const BYTES_PER_SECOND = 32_000;

/** A decoder that gives five seconds at once, and so many more, or what else is said, when it is let. */
async function heldDecoder(then: string): Promise<{ readonly path: string; letGo(): Promise<void> }> {
  const gate = join(tmpdir(), `polyscribe-gate-${randomUUID()}`);
  const beginning = `head -c ${5 * BYTES_PER_SECOND} /dev/zero`;
  const path = await harness.program(`${beginning}\nwhile [ ! -e '${gate}' ]; do sleep 0.02; done\n${then}`);
  return { path, letGo: () => writeFile(gate, '') };
}

const silence = (seconds: number) => `head -c ${seconds * BYTES_PER_SECOND} /dev/zero`;

/** Speaks as soon as it hears anything, and goes on when it has heard all. */
function speaksAtOnce(heard: number[], rest: readonly EngineEvent[] = [summaryEvent()]): Listener {
  return {
    async *hear(_request, audio) {
      let bytes = 0;
      for await (const chunk of audio) {
        if (bytes === 0) yield segmentEvent(0, 500, 'first');
        bytes += chunk.length;
      }
      heard.push(bytes / BYTES_PER_SECOND);
      yield* rest;
    },
  };
}

/** Speaks as soon as it hears anything, and then dies. */
const diesInTheMiddle: Listener = {
  async *hear(_request, audio) {
    for await (const chunk of audio) {
      if (chunk.length === 0) continue;
      yield segmentEvent(0, 500, 'draft');
      throw new PolyscribeError('engine_unavailable', 'It is gone.');
    }
  },
};

function types(events: readonly JobEvent[]): string[] {
  return events.filter(({ type }) => type !== 'status').map(({ type }) => type);
}

async function deltaSeen(job: Job): Promise<void> {
  await eventually('a delta', async () => types(await harness.history(job)).includes('delta'));
}

async function spansOf(job: Job): Promise<unknown[]> {
  return harness.database.query(
    `SELECT span_index AS index, start_ms AS start, end_ms AS end, lead_ms AS lead, tail_ms AS tail, state
     FROM transcript_spans WHERE transcript_job_id = (SELECT id FROM transcript_jobs WHERE job_id = $1)
     ORDER BY span_index`,
    [job.id],
  );
}

describe('a recording that is decoded while an engine hears it', () => {
  it('has its first words told before its decoder is done', async () => {
    const job = await harness.submit(recording);
    const decoder = await heldDecoder(silence(7));
    const heard: number[] = [];
    const worker = harness.worker([asr], { 'asr:1': speaksAtOnce(heard) }, {}, harness.events, {
      ffmpegPath: decoder.path,
    });
    const running = worker.consumer.handleJob(job.id, never);
    await deltaSeen(job);
    expect(await spansOf(job)).toMatchObject([{ index: 0, start: 0, state: 'running' }]);
    await decoder.letGo();
    await running;
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
    expect(heard).toEqual([12]);
    expect(await spansOf(job)).toEqual([{ index: 0, start: 0, end: 12_000, lead: 0, tail: 0, state: 'done' }]);
    expect(types(await harness.history(job))).toEqual(['delta', 'completed']);
    expect((await harness.find(job)).media?.facts?.audio.channels).toBe(2);
  });

  it('places a segment that may reach into what is not decoded only when its end is known', async () => {
    const job = await harness.submit(recording);
    const decoder = await heldDecoder(silence(1));
    const beyond: Listener = {
      async *hear(_request, audio) {
        let isFirst = true;
        for await (const chunk of audio) {
          if (isFirst && chunk.length > 0) yield segmentEvent(0, 30_000, 'all of it');
          isFirst = false;
        }
        yield summaryEvent();
      },
    };
    const worker = harness.worker([asr], { 'asr:1': beyond }, {}, harness.events, { ffmpegPath: decoder.path });
    const running = worker.consumer.handleJob(job.id, never);
    await eventually('a call', () => worker.engines.calls.length === 1);
    await decoder.letGo();
    await running;
    const transcript = await harness.transcripts.findByJob(job.id);
    expect(transcript?.segments).toMatchObject([{ startMs: 0, endMs: 6000 }]);
  });

  it('goes to another engine from its start when one dies in the middle of it', async () => {
    const job = await harness.submit(recording);
    const decoder = await heldDecoder(silence(3));
    const heard: number[] = [];
    const scripts = { 'asr:1': diesInTheMiddle, 'local:1': speaksAtOnce(heard) };
    const worker = harness.worker([asr, local], scripts, {}, harness.events, { ffmpegPath: decoder.path });
    const running = worker.consumer.handleJob(job.id, never);
    await eventually('the second call', () => worker.engines.calls.includes('local:1'));
    await decoder.letGo();
    await running;
    expect(heard).toEqual([8]);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
    expect(types(await harness.history(job))).toEqual(['delta', 'void', 'delta', 'completed']);
  });

  it('goes to an engine that takes only short pieces once it is known to be one', async () => {
    const job = await harness.submit(recording);
    const short = instanceOf('local', { capabilities: { maxAudioMs: 20_000 } });
    const diesAtTheEnd: Listener = {
      async *hear(_request, audio) {
        for await (const chunk of audio) if (chunk.length > 0) yield segmentEvent(0, 500, 'draft');
        worker.registry.set(short);
        throw new PolyscribeError('engine_unavailable', 'It is gone.');
      },
    };
    const heard: number[] = [];
    const scripts = { 'asr:1': diesAtTheEnd, 'local:1': speaksAtOnce(heard) };
    const ffmpegPath = await harness.program(silence(12));
    const worker = harness.worker([asr], scripts, {}, harness.events, { ffmpegPath });
    await worker.consumer.handleJob(job.id, never);
    expect(await harness.find(job)).toMatchObject({ status: 'completed' });
    expect(heard).toEqual([12]);
  });

  it.each([
    ['', { hedge: false }],
    [', also as a whole', { hedge: true }],
  ])('is cut anew where the worker was killed before the end of a span was known%s', async (_how, changes) => {
    const job = await harness.submit(recording);
    const decoder = await heldDecoder(silence(60));
    const worker = harness.worker([asr], { 'asr:1': speaksAtOnce([]) }, {}, harness.events, {
      ffmpegPath: decoder.path,
    });
    const first = worker.consumer.handleJob(job.id, never);
    await deltaSeen(job);
    // As after a kill: the lease is nobody's any more, and what was written stays.
    await harness.database.query(
      `UPDATE transcript_jobs SET lease_until = now() - interval '1 minute', lease_token = gen_random_uuid() WHERE job_id = $1`,
      [job.id],
    );
    const heard: number[] = [];
    const long = await harness.program(silence(200));
    const second = harness.worker([asr], { 'asr:1': speaksAtOnce(heard) }, changes, harness.events, {
      ffmpegPath: long,
    });
    await second.consumer.handleJob(job.id, never);
    await first;
    const undisturbed = await harness.submit(recording);
    const third = harness.worker([asr], { 'asr:1': speaksAtOnce([]) }, {}, harness.events, { ffmpegPath: long });
    await third.consumer.handleJob(undisturbed.id, never);

    expect(await spansOf(job)).toEqual(await spansOf(undisturbed));
    expect(heard.reduce((sum, seconds) => sum + seconds, 0)).toBe(200);
    expect(types(await harness.history(job))).toEqual(['delta', 'void', 'delta', 'delta', 'completed']);
  });

  it('is not held against the engine where the decoder fails', async () => {
    const job = await harness.submit(recording);
    const decoder = await heldDecoder('exec sleep 600');
    const worker = harness.worker([asr], { 'asr:1': speaksAtOnce([]) }, {}, harness.events, {
      ffmpegPath: decoder.path,
      timeoutMs: 1_000,
    });
    await worker.consumer.handleJob(job.id, never);
    const failed = await harness.find(job);
    expect(failed).toMatchObject({ status: 'failed', failure: { code: 'media_timeout', retryable: true } });
    expect(failed.failure?.attempts ?? []).toEqual([]);
    expect(types(await harness.history(job))).toEqual(['delta', 'error']);
    expect(worker.engines.calls).toEqual(['asr:1']);
  });

  it('leaves neither a call nor a decoder behind when it is cancelled', async () => {
    const job = await harness.submit(recording);
    const mark = join(tmpdir(), `polyscribe-mark-${randomUUID()}`);
    const decoder = await heldDecoder(`touch '${mark}'; ${silence(1)}`);
    const worker = harness.worker([asr], { 'asr:1': speaksAtOnce([]) }, {}, harness.events, {
      ffmpegPath: decoder.path,
    });
    const running = worker.consumer.handleJob(job.id, never);
    await deltaSeen(job);
    await harness.jobs.requestCancel(job.id);
    await running;
    expect(await harness.find(job)).toMatchObject({ status: 'cancelled' });
    await eventually('the engine to be free', () => worker.engines.inProgress === 0);
    expect(types(await harness.history(job))).toEqual(['delta', 'cancelled']);
    await decoder.letGo();
    await expect(access(mark)).rejects.toThrow('ENOENT');
  });
});
