import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type Script, summaryEvent } from './testing/fakes.js';
import { wav } from './testing/wav.js';
import { WorkerHarness } from './testing/worker-harness.js';

describe('the time that a job still takes', () => {
  let harness: WorkerHarness;

  beforeAll(async () => {
    harness = await WorkerHarness.start();
  });
  afterAll(() => harness.stop());

  it('is told by the measured speed of the engine, then by the pace, with a time for each stage', async () => {
    let goOn = (): void => undefined;
    const half = new Promise<void>((resolve) => (goOn = resolve));
    let end = (): void => undefined;
    const all = new Promise<void>((resolve) => (end = resolve));
    const slow: Script = async function* () {
      await half;
      yield { type: 'progress', processedMs: 10_000, stage: 'transcribing' };
      await all;
      yield summaryEvent();
    };
    // Twenty seconds at thirty times the length of the audio: ten minutes.
    const engine = instanceOf('local', { stats: { realTimeFactor: 30 } });
    const { consumer } = harness.worker([engine], { 'local:1': slow });
    const job = await harness.submit(wav(1, 20));
    const running = consumer.handleJob(job.id, new AbortController().signal);
    const left = async (): Promise<number | undefined> => (await harness.statuses.find(job.id))?.eta_s;
    const first = await eventually('an estimate', left);
    expect(first).toBeGreaterThan(500);
    expect(first).toBeLessThanOrEqual(600);
    goOn();
    // Half of the audio is done after a moment: the pace says that the rest takes no longer.
    await eventually('the pace to count', async () => ((await left()) ?? 600) < 300);
    end();
    await running;
    const { stages } = await harness.find(job);
    expect({ stages: stages.map(({ name }) => name), log: harness.log }).toEqual({
      stages: ['queued', 'preparing', 'transcribing', 'finishing'],
      // A busy machine may have been complained about before.
      log: expect.arrayContaining([expect.stringContaining('"outcome":"completed"')]) as unknown,
    });
    for (const { seconds } of stages) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(await left()).toBeUndefined();
  });
});
