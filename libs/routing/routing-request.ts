import type { EngineChoice, EngineKind, JobOptions, Task, UnsupportedPolicy } from '#contracts';

/** What the router has to know about a piece of work. */
export interface RoutingRequest {
  readonly engine: EngineChoice;
  /** Whether another engine may stand in for a named one. `auto` always may. */
  readonly allowFallback: boolean;
  /** BCP-47 tag; undefined asks for detection where an engine can. */
  readonly language?: string;
  readonly model?: string;
  readonly task: Task;
  readonly diarization: boolean;
  readonly wordTimestamps: boolean;
  /** Text without punctuation is asked for. */
  readonly withoutPunctuation: boolean;
  readonly profanityFilter: boolean;
  readonly verbatim: boolean;
  readonly onUnsupported: UnsupportedPolicy;
  /** Length of the one call to be routed; undefined while it is not known, limits are then not looked at. */
  readonly audioMs?: number;
  /** Instances that failed this work a moment ago: not to be asked again in this round. */
  readonly triedInstances?: ReadonlySet<string>;
}

/** What is preferred among engines that can all serve a request. */
export interface RoutingPolicy {
  /** Preferred first. */
  readonly prefer: readonly EngineKind[];
}

/** Riva is the fastest, WhisperX knows the most languages, the embedded engine is always there. */
export const defaultPolicy: RoutingPolicy = { prefer: ['asr', 'whisperx', 'local'] };

/** The routing request of a job, before its audio is looked at. */
export function routingRequestOf(options: JobOptions): RoutingRequest {
  return {
    engine: options.engine,
    allowFallback: options.allowFallback,
    ...(options.language === undefined ? {} : { language: options.language }),
    ...(options.model === undefined ? {} : { model: options.model }),
    task: options.task,
    diarization: options.enableDiarization,
    wordTimestamps: options.wordTimestamps,
    withoutPunctuation: options.punctuation === false,
    profanityFilter: options.profanityFilter ?? false,
    verbatim: options.verbatim ?? false,
    onUnsupported: options.onUnsupported,
  };
}
