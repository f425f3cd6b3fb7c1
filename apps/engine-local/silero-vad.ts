import { InferenceSession, Tensor } from 'onnxruntime-node';
import { floats } from './audio-memory.js';
import type { VoiceActivityMemory, VoiceActivityResult, VoiceActivityTask } from './inference-task.js';
import { sessionOptions } from './session-options.js';
import { stretchesOf } from './speech-stretches.js';
import { FRAME_SAMPLES } from './utterance-segmenter.js';

/** Samples before a frame that the v5 model sees with it at 16 kHz. */
export const CONTEXT_SAMPLES = 64;
const INPUT_SAMPLES = CONTEXT_SAMPLES + FRAME_SAMPLES;
const STATE_WIDTH = 128;

/** Less is no speech: where Silero takes speech that it had found to end. */
const SILENT_BELOW = 0.35;

/** After so many frames without speech, a third of a second, each is judged by itself. */
const FORGET_AFTER_FRAMES = 10;

/**
 * Silero VAD v5: how likely each frame of 32 ms holds speech.
 *
 * The model is recurrent and remembers for minutes: what it says of a word depends on where the recording began. In a
 * pause its memory is therefore wiped. Behind a pause it says the same whether it heard what was before or not, so that a
 * recording cut in its pauses has the same utterances as the whole.
 *
 * The model is tiny, so that one frame at a time costs mostly overhead: stretches between pauses run side by side as rows
 * of one batch.
 */
export class SileroVad {
  private constructor(private readonly session: InferenceSession) {}

  static async load(file: string): Promise<SileroVad> {
    return new SileroVad(await InferenceSession.create(file, sessionOptions({ arena: true })));
  }

  /** @param cancelled asked between steps; when true the work is dropped */
  async run(task: VoiceActivityTask, cancelled: () => boolean): Promise<VoiceActivityResult | undefined> {
    const stretches = stretchesOf(task.samples.subarray(CONTEXT_SAMPLES));
    const rows = stretches.length;
    const frames = stretches.at(-1)?.end ?? 0;
    const probabilities = new Float32Array(frames);
    const sampleRate = new Tensor('int64', [16_000n], []);
    const input = new Float32Array(rows * INPUT_SAMPLES);
    // All but the first begin in a pause.
    const silentFrames = stretches.map(() => FORGET_AFTER_FRAMES);
    let states = new Float32Array(2 * rows * STATE_WIDTH);
    if (task.memory) {
      writeState(states, rows, 0, task.memory.state);
      silentFrames[0] = task.memory.silentFrames;
    }
    let memory: VoiceActivityMemory = { state: new Float32Array(2 * STATE_WIDTH), silentFrames: FORGET_AFTER_FRAMES };
    const longest = Math.max(...stretches.map(({ start, end }) => end - start));
    for (let step = 0; step < longest; step++) {
      if (cancelled()) return undefined;
      for (const [row, { start, end }] of stretches.entries()) {
        if ((silentFrames[row] ?? 0) >= FORGET_AFTER_FRAMES) writeState(states, rows, row, undefined);
        writeFrame(input, row, task.samples, Math.min(start + step, end - 1));
      }
      const { output, stateN } = await this.session.run({
        input: new Tensor('float32', input, [rows, INPUT_SAMPLES]),
        state: new Tensor('float32', states, [2, rows, STATE_WIDTH]),
        sr: sampleRate,
      });
      states = floats(stateN);
      const chances = floats(output);
      for (const [row, { start, end }] of stretches.entries()) {
        const frame = start + step;
        // A shorter row has come to its end.
        if (frame >= end) continue;
        const chance = chances[row] ?? 0;
        const silent = chance < SILENT_BELOW ? (silentFrames[row] ?? 0) + 1 : 0;
        probabilities[frame] = chance;
        silentFrames[row] = silent;
        if (frame === frames - 1) memory = { state: readState(states, rows, row), silentFrames: silent };
      }
    }
    return { kind: 'voice-activity', probabilities, memory };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

/** A frame with the samples before it. */
function writeFrame(input: Float32Array, row: number, samples: Float32Array, frame: number): void {
  const start = frame * FRAME_SAMPLES;
  input.set(samples.subarray(start, start + INPUT_SAMPLES), row * INPUT_SAMPLES);
}

/** Writes the state of a row, zeros where there is none. The states are `[2, rows, 128]`. */
function writeState(states: Float32Array, rows: number, row: number, state: Float32Array | undefined): void {
  for (let half = 0; half < 2; half++) {
    const at = (half * rows + row) * STATE_WIDTH;
    if (state) states.set(state.subarray(half * STATE_WIDTH, (half + 1) * STATE_WIDTH), at);
    else states.fill(0, at, at + STATE_WIDTH);
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
