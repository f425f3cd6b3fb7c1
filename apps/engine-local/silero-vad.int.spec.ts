import { createLogger } from '#telemetry';
import type { InferenceResult, InferenceTask, VoiceActivityMemory } from './inference-task.js';
import { SampleBuffer } from './sample-buffer.js';
import { CONTEXT_SAMPLES } from './silero-vad.js';
import { sample } from './testing/test-audio.js';
import { FRAME_SAMPLES } from './utterance-segmenter.js';
import { WorkerPool } from './worker-pool.js';

/** One second. */
const PAUSE_FRAMES = 32;
const SPEECH_FRAMES = 600;

describe('SileroVad', () => {
  const pool = new WorkerPool<InferenceTask, InferenceResult>({
    module: new URL('./inference.worker.js', import.meta.url),
    workerData: { model: 'tiny' },
    threads: 1,
    logger: createLogger('test', 'silent'),
  });
  let speech: Float32Array;

  beforeAll(async () => {
    await pool.start();
    const buffer = new SampleBuffer();
    buffer.append((await sample('long-read')).pcm);
    speech = buffer.read(0, 4 * SPEECH_FRAMES * FRAME_SAMPLES);
  }, 120_000);
  afterAll(() => pool.stop());

  async function heard(samples: Float32Array, blockFrames = samples.length / FRAME_SAMPLES) {
    const withContext = new Float32Array(CONTEXT_SAMPLES + samples.length);
    withContext.set(samples, CONTEXT_SAMPLES);
    const probabilities: number[] = [];
    let memory: VoiceActivityMemory | undefined;
    for (let at = 0; at < samples.length; at += blockFrames * FRAME_SAMPLES) {
      const block = withContext.slice(at, at + CONTEXT_SAMPLES + blockFrames * FRAME_SAMPLES);
      const task = { kind: 'voice-activity', samples: block, memory } as const;
      const result = await pool.run(task, { signal: new AbortController().signal });
      if (result.kind !== 'voice-activity') break;
      memory = result.memory;
      probabilities.push(...result.probabilities);
    }
    return probabilities;
  }

  it('says the same of speech behind a pause, whatever was before', async () => {
    const before = speech.subarray(0, SPEECH_FRAMES * FRAME_SAMPLES);
    const after = speech.subarray(2 * SPEECH_FRAMES * FRAME_SAMPLES, 3 * SPEECH_FRAMES * FRAME_SAMPLES);
    const pause = new Float32Array(PAUSE_FRAMES * FRAME_SAMPLES);
    const whole = await heard(joined(before, pause, after));
    const alone = await heard(joined(pause.subarray(pause.length / 2), after));
    expect(alone.filter((chance) => chance > 0.5).length).toBeGreaterThan(SPEECH_FRAMES / 4);
    const difference = alone.slice(-SPEECH_FRAMES).map((chance, at) => chance - (whole.at(at - SPEECH_FRAMES) ?? 0));
    // Rows of one batch differ by rounding.
    expect(Math.max(...difference.map(Math.abs))).toBeLessThan(1e-4);
  });

  it('hears speech where it is, and none in silence', async () => {
    const silence = new Float32Array(2 * PAUSE_FRAMES * FRAME_SAMPLES);
    const chances = await heard(joined(silence, speech.subarray(0, SPEECH_FRAMES * FRAME_SAMPLES)));
    expect(Math.max(...chances.slice(0, 2 * PAUSE_FRAMES))).toBeLessThan(0.2);
    const spoken = chances.slice(2 * PAUSE_FRAMES).filter((chance) => chance > 0.5);
    expect(spoken.length).toBeGreaterThan(SPEECH_FRAMES / 2);
  });

  it('says the same in blocks of any length', async () => {
    const pause = new Float32Array(PAUSE_FRAMES * FRAME_SAMPLES);
    const samples = joined(
      speech.subarray(0, SPEECH_FRAMES * FRAME_SAMPLES),
      pause,
      speech.subarray(speech.length / 2),
    );
    const whole = await heard(samples);
    expect(whole).toHaveLength(samples.length / FRAME_SAMPLES);
    for (const blockFrames of [7, 333]) {
      const difference = (await heard(samples, blockFrames)).map((chance, at) => Math.abs(chance - (whole[at] ?? 0)));
      expect(difference).toHaveLength(whole.length);
      expect(Math.max(...difference)).toBeLessThan(1e-4);
    }
  });
});

function joined(...parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
