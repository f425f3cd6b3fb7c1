import type { LocalModel } from './model-files.js';

/** What the voice activity model remembers of the frames before. */
export interface VoiceActivityMemory {
  /** The model's own state, `[2, 1, 128]`. */
  readonly state: Float32Array;
  /** How many frames without speech came last. */
  readonly silentFrames: number;
}

/** Which frames of a block hold speech. */
export interface VoiceActivityTask {
  readonly kind: 'voice-activity';
  /** 64 samples of context, then whole frames of 512. */
  readonly samples: Float32Array;
  /** After the frame before; undefined at the start of a call. */
  readonly memory: VoiceActivityMemory | undefined;
}

export interface VoiceActivityResult {
  readonly kind: 'voice-activity';
  /** One for each frame, 0 to 1. */
  readonly probabilities: Float32Array;
  /** After the last frame. */
  readonly memory: VoiceActivityMemory;
}

/** What is said in some utterances. */
export interface RecognitionTask {
  readonly kind: 'recognition';
  readonly model: LocalModel;
  /** Samples of each utterance in -1..1. */
  readonly utterances: readonly Float32Array[];
}

/** Why decoding of an utterance ended. */
export type RecognitionStop = 'end' | 'repetition' | 'limit';

export interface RecognitionResult {
  readonly kind: 'recognition';
  /** In the order of the task's utterances. */
  readonly rows: readonly { readonly tokens: readonly number[]; readonly stop: RecognitionStop }[];
}

export type InferenceTask = VoiceActivityTask | RecognitionTask;
export type InferenceResult = VoiceActivityResult | RecognitionResult;
