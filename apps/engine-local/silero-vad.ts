import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { floats } from './audio-memory.js';
import type { VoiceActivityResult, VoiceActivityTask } from './inference-task.js';
import { sessionOptions } from './session-options.js';
import { cutSilero, FEATURES, SILERO_WIDTH } from './silero-graphs.js';
import { FRAME_SAMPLES } from './utterance-segmenter.js';

/** Samples before a frame that the v5 model sees with it at 16 kHz. */
export const CONTEXT_SAMPLES = 64;
const INPUT_SAMPLES = CONTEXT_SAMPLES + FRAME_SAMPLES;

/** Less is no speech: where Silero takes speech that it had found to end. */
const SILENT_BELOW = 0.35;

/** After so many frames without speech, a third of a second, each is judged by itself. */
const FORGET_AFTER_FRAMES = 10;

/** Frames whose features are found at once: enough to be quick, and few enough to need little memory. */
const FEATURE_FRAMES = 250;

/** Frames judged at once. What follows a pause among them is judged again. */
const JUDGED_FRAMES = 50;

/** What the model says of some frames, and what it remembers behind each row of them. */
interface Judged {
  readonly chances: Float32Array;
  readonly hidden: Float32Array;
  readonly cell: Float32Array;
}

/**
 * Silero VAD v5: how likely each frame of 32 ms holds speech.
 *
 * The model is recurrent and remembers for minutes: what it says of a word depends on where the recording began. In a
 * pause its memory is therefore wiped. Behind a pause it says the same whether it heard what was before or not, so that a
 * recording cut in its pauses has the same utterances as the whole.
 */
export class SileroVad {
  private constructor(
    private readonly features: InferenceSession,
    private readonly recurrent: InferenceSession,
  ) {}

  static async load(file: string): Promise<SileroVad> {
    const graphs = cutSilero(await readFile(file));
    return new SileroVad(
      await InferenceSession.create(graphs.features, sessionOptions({ arena: true })),
      await InferenceSession.create(graphs.recurrent, sessionOptions({ arena: true })),
    );
  }

  /** @param cancelled asked between steps; when true the work is dropped */
  async run(task: VoiceActivityTask, cancelled: () => boolean): Promise<VoiceActivityResult | undefined> {
    const frames = Math.floor((task.samples.length - CONTEXT_SAMPLES) / FRAME_SAMPLES);
    const features = await this.featuresOf(task.samples, frames, cancelled);
    if (!features) return undefined;
    const probabilities = new Float32Array(frames);
    let { state, silentFrames } = task.memory ?? { state: forgotten(), silentFrames: FORGET_AFTER_FRAMES };
    let frame = 0;
    while (frame < frames) {
      if (cancelled()) return undefined;
      const end = Math.min(frames, frame + JUDGED_FRAMES);
      const some = features.subarray(frame * SILERO_WIDTH, end * SILERO_WIDTH);
      // In a pause frames are judged side by side, each without a memory; in speech one after the other.
      const isPause = silentFrames >= FORGET_AFTER_FRAMES;
      const judged = isPause
        ? await this.judge(some, end - frame, forgotten(end - frame))
        : await this.judge(some, 1, state);
      let row = 0;
      for (const chance of judged.chances) {
        probabilities[frame++] = chance;
        silentFrames = chance < SILENT_BELOW ? silentFrames + 1 : 0;
        if (silentFrames >= FORGET_AFTER_FRAMES !== isPause) break;
        if (isPause) row += 1;
      }
      state = memoryOf(judged, Math.min(row, judged.hidden.length / SILERO_WIDTH - 1));
    }
    return { kind: 'voice-activity', probabilities, memory: { state, silentFrames } };
  }

  async release(): Promise<void> {
    await Promise.all([this.features.release(), this.recurrent.release()]);
  }

  private async featuresOf(
    samples: Float32Array,
    frames: number,
    cancelled: () => boolean,
  ): Promise<Float32Array | undefined> {
    const features = new Float32Array(frames * SILERO_WIDTH);
    for (let frame = 0; frame < frames; frame += FEATURE_FRAMES) {
      if (cancelled()) return undefined;
      const count = Math.min(FEATURE_FRAMES, frames - frame);
      const output = await this.features.run({ input: framesOf(samples, frame, count) });
      features.set(floats(output[FEATURES]), frame * SILERO_WIDTH);
    }
    return features;
  }

  /**
   * @param rows sequences into which the features are split
   * @param state what is remembered before them
   */
  private async judge(features: Float32Array, rows: number, state: Float32Array): Promise<Judged> {
    const dims = [1, rows, SILERO_WIDTH];
    const output = await this.recurrent.run({
      [FEATURES]: new Tensor('float32', features, [features.length / rows / SILERO_WIDTH, rows, SILERO_WIDTH]),
      hidden: new Tensor('float32', state.subarray(0, rows * SILERO_WIDTH), dims),
      cell: new Tensor('float32', state.subarray(rows * SILERO_WIDTH), dims),
    });
    return {
      chances: floats(output['chances']),
      hidden: floats(output['hidden_after']),
      cell: floats(output['cell_after']),
    };
  }
}

/** Frames with the samples before each. */
function framesOf(samples: Float32Array, first: number, count: number): Tensor {
  const input = new Float32Array(count * INPUT_SAMPLES);
  for (let row = 0; row < count; row++) {
    const start = (first + row) * FRAME_SAMPLES;
    input.set(samples.subarray(start, start + INPUT_SAMPLES), row * INPUT_SAMPLES);
  }
  return new Tensor('float32', input, [count, INPUT_SAMPLES]);
}

function forgotten(rows = 1): Float32Array {
  return new Float32Array(2 * rows * SILERO_WIDTH);
}

/** Hidden state and cell of a row. */
function memoryOf({ hidden, cell }: Judged, row: number): Float32Array {
  const state = forgotten();
  state.set(hidden.subarray(row * SILERO_WIDTH, (row + 1) * SILERO_WIDTH));
  state.set(cell.subarray(row * SILERO_WIDTH, (row + 1) * SILERO_WIDTH), SILERO_WIDTH);
  return state;
}
