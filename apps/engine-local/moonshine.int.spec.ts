import { SAMPLE_RATE_HZ } from '#contracts';
import { createLogger } from '#telemetry';
import type { InferenceResult, InferenceTask } from './inference-task.js';
import { SampleBuffer } from './sample-buffer.js';
import { sample } from './testing/test-audio.js';
import { WorkerPool } from './worker-pool.js';

describe('Moonshine', () => {
  const pool = new WorkerPool<InferenceTask, InferenceResult>({
    module: new URL('./inference.worker.js', import.meta.url),
    workerData: { model: 'tiny' },
    threads: 1,
    logger: createLogger('test', 'silent'),
  });

  beforeAll(() => pool.start(), 120_000);
  afterAll(() => pool.stop());

  async function tokens(...utterances: Float32Array[]): Promise<(readonly number[])[]> {
    const task = { kind: 'recognition', model: 'tiny', utterances } as const;
    const result = await pool.run(task, { signal: new AbortController().signal });
    return result.kind === 'recognition' ? result.rows.map((row) => row.tokens) : [];
  }

  it('gives an utterance the same words alone and in any batch', async () => {
    const buffer = new SampleBuffer();
    buffer.append((await sample('long-read')).pcm.subarray(0, 2 * 60 * SAMPLE_RATE_HZ));
    // Cut at any place and at different lengths: the more of them are hard, the sooner company would tell.
    const utterances = [2, 9, 14, 20.5, 31, 40, 47, 52].map((start, index) =>
      buffer.read(start * SAMPLE_RATE_HZ, (start + 4 + index / 2) * SAMPLE_RATE_HZ),
    );
    const alone: (readonly number[])[] = [];
    for (const utterance of utterances) alone.push(...(await tokens(utterance)));
    expect(alone.every(({ length }) => length > 5)).toBe(true);
    expect(await tokens(...utterances)).toEqual(alone);
    expect(await tokens(...utterances.slice(2, 5))).toEqual(alone.slice(2, 5));
  }, 300_000);
});
