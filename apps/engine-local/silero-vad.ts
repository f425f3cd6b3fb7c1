import { InferenceSession, Tensor } from 'onnxruntime-node';
import { floats } from './audio-memory.js';
import type { VoiceActivityResult, VoiceActivityTask } from './inference-task.js';
import { sessionOptions } from './session-options.js';
import { FRAME_SAMPLES } from './utterance-segmenter.js';

/** Samples before a frame that the v5 model sees with it at 16 kHz. */
export const CONTEXT_SAMPLES = 64;
const INPUT_SAMPLES = CONTEXT_SAMPLES + FRAME_SAMPLES;
const STATE_WIDTH = 128;

/** Frames run before a stretch whose results are dropped: by then the recurrent state has forgotten how it began. */
const WARM_UP_FRAMES = 64;
const MAX_STRETCHES = 8;

/**
 * Silero VAD v5: how likely each frame of 32 ms holds speech.
 *
 * The model is recurrent and tiny, so that one frame at a time costs mostly overhead. A block is therefore split into
 * stretches that run side by side as rows of one batch; each but the first begins a second early to warm up.
 */
export class SileroVad {
  private constructor(private readonly session: InferenceSession) {}

  static async load(file: string): Promise<SileroVad> {
    return new SileroVad(await InferenceSession.create(file, sessionOptions({ arena: true })));
  }

  /** @param cancelled asked between steps; when true the work is dropped */
  async run(task: VoiceActivityTask, cancelled: () => boolean): Promise<VoiceActivityResult | undefined> {
    const frames = (task.samples.length - CONTEXT_SAMPLES) / FRAME_SAMPLES;
    const probabilities = new Float32Array(frames);
    const plan = stretchesOf(frames);
    const sampleRate = new Tensor('int64', [16_000n], []);
    const input = new Float32Array(plan.rows * INPUT_SAMPLES);
    let state = new Float32Array(2 * plan.rows * STATE_WIDTH);
    let lastState = new Float32Array(2 * STATE_WIDTH);
    for (let step = -plan.warmUp; step < plan.length; step++) {
      if (cancelled()) return undefined;
      // The first stretch needs no warm-up: it goes on from the block before.
      if (step === 0) writeState(state, plan.rows, task.state);
      fillFrames(input, task.samples, plan, step);
      const { output, stateN } = await this.session.run({
        input: new Tensor('float32', input, [plan.rows, INPUT_SAMPLES]),
        state: new Tensor('float32', state, [2, plan.rows, STATE_WIDTH]),
        sr: sampleRate,
      });
      state = floats(stateN);
      const chance = floats(output);
      for (let row = 0; row < plan.rows && step >= 0; row++) {
        const frame = row * plan.length + step;
        if (frame < frames) probabilities[frame] = chance[row] ?? 0;
        if (frame === frames - 1) lastState = readState(state, plan.rows, row);
      }
    }
    return { kind: 'voice-activity', probabilities, state: lastState };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

interface StretchPlan {
  readonly rows: number;
  /** Frames of each stretch; the last may hold fewer. */
  readonly length: number;
  readonly warmUp: number;
}

/** As many stretches as stay well longer than their warm-up. */
export function stretchesOf(frames: number): StretchPlan {
  const rows = Math.max(1, Math.min(MAX_STRETCHES, Math.floor(frames / (2 * WARM_UP_FRAMES))));
  return { rows, length: Math.ceil(frames / rows), warmUp: rows === 1 ? 0 : WARM_UP_FRAMES };
}

function fillFrames(input: Float32Array, samples: Float32Array, plan: StretchPlan, step: number): void {
  for (let row = 0; row < plan.rows; row++) {
    const start = (row * plan.length + step) * FRAME_SAMPLES;
    const frame = start < 0 ? new Float32Array(0) : samples.subarray(start, start + INPUT_SAMPLES);
    const target = input.subarray(row * INPUT_SAMPLES, (row + 1) * INPUT_SAMPLES);
    target.fill(0);
    target.set(frame);
  }
}

/** Writes the state of the first row; zeros when the call has just begun. */
function writeState(states: Float32Array, rows: number, state: Float32Array | undefined): void {
  for (let half = 0; half < 2; half++) {
    const target = states.subarray(half * rows * STATE_WIDTH, half * rows * STATE_WIDTH + STATE_WIDTH);
    if (state) target.set(state.subarray(half * STATE_WIDTH, (half + 1) * STATE_WIDTH));
    else target.fill(0);
  }
}

function readState(states: Float32Array, rows: number, row: number): Float32Array<ArrayBuffer> {
  const state = new Float32Array(2 * STATE_WIDTH);
  for (let half = 0; half < 2; half++) {
    const from = (half * rows + row) * STATE_WIDTH;
    state.set(states.subarray(from, from + STATE_WIDTH), half * STATE_WIDTH);
  }
  return state;
}
