/** Engines that a client can name. The kind says which family of adapter it is. */
export const engineKinds = ['asr', 'whisperx', 'local'] as const;
export type EngineKind = (typeof engineKinds)[number];

export function isEngineKind(value: string): value is EngineKind {
  return (engineKinds as readonly string[]).includes(value);
}

/** `auto` lets the router choose. */
export const engineChoices = ['auto', ...engineKinds] as const;
export type EngineChoice = (typeof engineChoices)[number];

export const tasks = ['transcribe', 'translate'] as const;
export type Task = (typeof tasks)[number];

export const profiles = ['fast', 'balanced', 'precise'] as const;
export type Profile = (typeof profiles)[number];

/** What happens with a request for a feature that the engine lacks: an error, or a warning in the result. */
export const unsupportedPolicies = ['refuse', 'warn'] as const;
export type UnsupportedPolicy = (typeof unsupportedPolicies)[number];

/** What an engine can do. What is not declared is not offered to it. */
export interface EngineCapabilities {
  /** BCP-47 tags; a bare language such as `en` covers its regions; `*` means any. */
  readonly languages: readonly string[];
  readonly models: readonly string[];
  /** The model taken when a request names none; one of `models`, or empty when the backend decides. */
  readonly defaultModel: string;
  readonly languageDetection: boolean;
  readonly wordTimestamps: boolean;
  /** Speaker tags; needs the whole file in one span. */
  readonly diarization: boolean;
  readonly phraseBoosting: boolean;
  /** Sends text that may still change. */
  readonly partialResults: boolean;
  /** Translation to English. */
  readonly translation: boolean;
  readonly confidence: boolean;
  /** Can leave punctuation out; without it the text comes as the engine punctuates it. */
  readonly punctuationControl: boolean;
  /** Can mask swear words. */
  readonly profanityFilter: boolean;
  /** Can write numbers and fillers down as they were spoken. */
  readonly verbatim: boolean;
  /** Longest span it takes; undefined means no limit. */
  readonly maxAudioMs: number | undefined;
  /** Calls it serves at once, at least 1. */
  readonly maxConcurrency: number;
}

export const healthStates = ['serving', 'unavailable', 'starting', 'draining'] as const;
export type HealthState = (typeof healthStates)[number];

export interface EngineHealth {
  readonly state: HealthState;
  /** Why it is not serving, for operators; empty when it is. */
  readonly reason: string;
}

export interface EngineDescription {
  readonly engine: EngineKind;
  readonly capabilities: EngineCapabilities;
  readonly health: EngineHealth;
  /** Where the backend is, for operators, without credentials; empty when there is none outside the instance. */
  readonly backendUri: string;
  /** Version of the adapter. */
  readonly version: string;
}

/** One running adapter as the registry knows it. */
export interface EngineInstance {
  readonly id: string;
  /** host:port of its EngineService. */
  readonly address: string;
  readonly description: EngineDescription;
  readonly inFlight: number;
  /** Audio seconds per second of work, a moving average; 0 until measured. */
  readonly speed: number;
  readonly registeredAt: Date;
  readonly lastSeenAt: Date;
}

/** All instances with a live lease at one moment, in order of id. */
export interface RegistrySnapshot {
  readonly instances: readonly EngineInstance[];
  /** Rises with each change; comparable only between snapshots of one registry process or one watcher. */
  readonly revision: number;
}
