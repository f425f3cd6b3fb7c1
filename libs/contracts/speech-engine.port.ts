import type { EngineDescription, Profile, Task, UnsupportedPolicy } from './engine.js';

export interface Phrase {
  readonly phrase: string;
  /** In the engine's own scale; undefined means the engine's default. */
  readonly boost?: number;
}

/** How one span is to be transcribed. */
export interface EngineRequest {
  /** Names the call in logs and traces. */
  readonly requestId: string;
  /** BCP-47 tag or two letters; undefined asks the engine to detect the language. */
  readonly language?: string;
  /** One of the engine's models; undefined takes its default. */
  readonly model?: string;
  readonly task: Task;
  readonly wordTimestamps: boolean;
  /** undefined means no speaker tags. */
  readonly diarization?: { readonly minSpeakers?: number; readonly maxSpeakers?: number };
  readonly phrases: readonly Phrase[];
  readonly profile: Profile;
  /** false asks for text without punctuation; undefined takes the engine's default, which is with it. */
  readonly punctuation?: boolean;
  /** true asks for swear words to be masked. */
  readonly profanityFilter?: boolean;
  /** true asks for numbers and fillers as they were spoken ("twenty one", "um"). */
  readonly verbatim?: boolean;
  /** Settings of this kind of engine alone; the adapter documents its keys. */
  readonly engineOptions: Readonly<Record<string, string>>;
  /** Whether `partial` events are wanted. */
  readonly partialResults: boolean;
  /** How long the audio will be, where the caller knows. */
  readonly audioMs?: number;
  readonly onUnsupported: UnsupportedPolicy;
}

export interface EngineWord {
  /** The word with its punctuation. */
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0 to 1. */
  readonly confidence?: number;
  readonly speakerTag?: number;
  /** The times were filled in from the neighbours and not measured. */
  readonly interpolated?: boolean;
}

/** A stretch of text that stays, with times from the start of the span. */
export interface EngineSegment {
  readonly startMs: number;
  readonly endMs: number;
  /** Trimmed, never empty. */
  readonly text: string;
  /** From 0 in order of first speech within the span. */
  readonly speakerTag?: number;
  /** 0 to 1. */
  readonly confidence?: number;
  /** Present only where they were asked for. */
  readonly words?: readonly EngineWord[];
  /** BCP-47 tag, where it differs from the summary's. */
  readonly language?: string;
}

export interface TranscriptWarning {
  /** A stable word, such as `unsupported_feature`. */
  readonly code: string;
  readonly message: string;
}

/** The stage of an engine that has the audio and waits for its turn: the time does not count as time at work. */
export const WAITING_STAGE = 'waiting';

export type EngineEvent =
  /** Audio that is done, from the start of the span; never falls. */
  | { readonly type: 'progress'; readonly processedMs: number; readonly stage: string }
  /** Text that may still change; replaces the partial before it. */
  | { readonly type: 'partial'; readonly text: string; readonly startMs: number }
  | { readonly type: 'segment'; readonly segment: EngineSegment }
  | { readonly type: 'warning'; readonly warning: TranscriptWarning }
  /** Always last, exactly once, when all went well. */
  | { readonly type: 'summary'; readonly language: string; readonly model: string; readonly audioMs: number };

/**
 * What every speech engine adapter implements. The engine host gives it the gRPC server, registration, heartbeat,
 * deadline and concurrency limit; retry and failover live in the worker. An adapter translates and nothing else.
 */
export abstract class SpeechEngine {
  /** What the engine is, can do, and how its backend is. Answers from memory: it is called on every heartbeat. */
  abstract describe(): EngineDescription;

  /**
   * Places that are taken by calls which are over, because the backend cannot be told to stop and works on. They count as
   * calls in progress; at most `maxConcurrency` together with those.
   */
  countHeldPlaces(): number {
    return 0;
  }

  /**
   * Transcribes one span.
   *
   * @param audio s16le mono PCM at 16 kHz in chunks of any size; a sample may be split over two chunks. Pulled only as
   *   fast as the engine can take it. Its iterator is closed when the call ends for whatever reason.
   * @param signal aborting it stops the work within 500 ms.
   * @returns events; work starts at the first pull. Segments come in time order and lie within the audio; silence gives no
   *   segment and a summary. Ends after one `summary`, or throws.
   * @throws PolyscribeError `unsupported_language`, `unsupported_feature`, `model_not_found`, `engine_unavailable`,
   *   `engine_timeout`, `engine_bad_response`, `cancelled`.
   */
  abstract transcribe(
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent>;

  /** Makes ready (loads models, opens connections). Called once before the first call. */
  async start(): Promise<void> {
    // Nothing to make ready by default.
  }

  /** Frees what `start` took. Called once, after the last call has ended. */
  async stop(): Promise<void> {
    // Nothing to free by default.
  }
}
