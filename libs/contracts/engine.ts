import type { EngineOption } from './engine-option.js';
import type { ErrorCode } from './error-table.js';

/** Engines that a client can name. The kind says which family of adapter it is. */
export const engineKinds = ['asr', 'whisperx', 'local'] as const;
export type EngineKind = (typeof engineKinds)[number];

export function isEngineKind(value: string): value is EngineKind {
  return (engineKinds as readonly string[]).includes(value);
}

/** `auto` lets the router choose. */
export const engineChoices = ['auto', ...engineKinds] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** Several engines on one recording: their transcripts side by side, or one that they vote on word by word. */
export const jointChoices = ['compare', 'consensus'] as const;
export type JointChoice = (typeof jointChoices)[number];

/** What a job can ask for. */
export const jobEngines = [...engineChoices, ...jointChoices] as const;
export type JobEngine = (typeof jobEngines)[number];

export function isJoint(engine: JobEngine): engine is JointChoice {
  return (jointChoices as readonly JobEngine[]).includes(engine);
}

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
  /** What `engineOptions` may hold; absent means nothing. */
  readonly options?: readonly EngineOption[];
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

/** Whether an instance is called: `open` after too many faults, `half_open` while a probe of it is under way. */
export const breakerStates = ['closed', 'open', 'half_open'] as const;
export type BreakerState = (typeof breakerStates)[number];

export interface InstanceBreaker {
  readonly state: BreakerState;
  readonly since: Date;
  /** Why it is open, for operators; empty when closed. */
  readonly reason: string;
}

/** What an instance is told to have failed with. */
export interface InstanceError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at: Date;
}

/** What workers measured of an instance, moving averages; `unmeasured` until the first call has ended. */
export interface InstanceStats {
  /** Calls that were measured. */
  readonly calls: number;
  /** Seconds of work for a second of audio. */
  readonly realTimeFactor?: number;
  /** Share of calls that failed by the engine's fault, 0 to 1. */
  readonly errorRate: number;
  /** From the start of a call to the engine's first sign of work. */
  readonly queueMs: number;
  /** Milliseconds of work for a second of audio that only one call in twenty exceeds. */
  readonly p95Ms?: number;
  /** Faults of the engine in the last five minutes. */
  readonly recentErrors: number;
  readonly lastError?: InstanceError;
}

/** How one call of an instance went, as whoever called it measured. */
export interface EndedCall {
  readonly instanceId: string;
  /** undefined when the call succeeded. Only faults of the engine count, as the error table has them. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** Audio that went to the engine. */
  readonly audioMs: number;
  /** From the start of the call to the engine's first sign of work. */
  readonly queueMs: number;
  /** From there to the end, without the time in which the engine said that it was waiting. */
  readonly workMs: number;
  /** How long ago the call began. */
  readonly startAgeMs: number;
}

/** What is known of an instance that has served nobody yet. */
export const unmeasured: InstanceStats = { calls: 0, errorRate: 0, queueMs: 0, recentErrors: 0 };

/** The breaker of an instance that has not failed. */
export function closedBreaker(since: Date): InstanceBreaker {
  return { state: 'closed', since, reason: '' };
}

/** What an instance tells of itself; the rest of `EngineInstance` is what the registry knows of it. */
export type EngineAnnouncement = Pick<EngineInstance, 'id' | 'address' | 'description' | 'inFlight' | 'speed'>;

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
  readonly stats: InstanceStats;
  readonly breaker: InstanceBreaker;
}

/** All instances with a live lease at one moment, in order of id. */
export interface RegistrySnapshot {
  readonly instances: readonly EngineInstance[];
  /** Rises with each change; comparable only between snapshots of one registry process or one watcher. */
  readonly revision: number;
}
