import type { Comparison, LaneTranscript } from './comparison.js';
import type { ErrorCode } from './error-table.js';
import type { EngineKind, JobEngine, Profile, Task, UnsupportedPolicy } from './engine.js';
import type { MediaFacts } from './media-facts.js';
import type { RoleSetChoice, SpeakerRoles } from './speaker-roles.js';
import type { Phrase, TranscriptWarning } from './speech-engine.port.js';
import type { TranscriptSegment } from './transcript-segment.js';
import type { JobCallback } from './webhook.js';

/** `mesh` is our workers with the engines of the mesh, `remote` a worker elsewhere that takes offers by webhook. */
export const workerChoices = ['mesh', 'remote'] as const;
export type WorkerChoice = (typeof workerChoices)[number];

export const jobStatuses = ['queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** Statuses in which nothing more happens to a job by itself. */
export const endedStatuses = ['completed', 'failed', 'cancelled'] as const satisfies readonly JobStatus[];
export function hasEnded(status: JobStatus): boolean {
  return (endedStatuses as readonly JobStatus[]).includes(status);
}

/** What a transcript can be read as. */
export const transcriptFormats = ['txt', 'md', 'srt', 'vtt', 'json', 'tsv'] as const;
export type TranscriptFormat = (typeof transcriptFormats)[number];

/** What a client asked for, checked and with defaults filled in. Stored with the job; the worker reads nothing else. */
export interface JobOptions {
  readonly engine: JobEngine;
  /** The engines that `compare` and `consensus` run, preferred first; undefined for all other jobs. */
  readonly engines?: readonly EngineKind[];
  /** BCP-47 tag; undefined means detect where the engine can. */
  readonly language?: string;
  readonly model?: string;
  readonly task: Task;
  readonly profile: Profile;
  readonly enableDiarization: boolean;
  readonly minSpeakers?: number;
  readonly maxSpeakers?: number;
  readonly wordTimestamps: boolean;
  /** Transcribe each channel by itself and mark its segments with `channel`. */
  readonly separateChannels: boolean;
  /** false asks for text without punctuation; undefined takes the engine's default, which is with it. */
  readonly punctuation?: boolean;
  /** Mask swear words. */
  readonly profanityFilter?: boolean;
  /** Numbers and fillers as they were spoken. */
  readonly verbatim?: boolean;
  /** Settings for each kind of engine; only those of the kind that serves are passed on. */
  readonly engineOptions?: Readonly<Partial<Record<EngineKind, Readonly<Record<string, string>>>>>;
  /** The context that was named, as it was when the job was sent: to change or delete it later changes no job. */
  readonly context?: { readonly id: string; readonly language?: string; readonly phrases: readonly Phrase[] };
  /** Between which roles speakers are told apart; undefined means `clinical`, and that nobody asked for it. */
  readonly speakerRoles?: RoleSetChoice;
  readonly onUnsupported: UnsupportedPolicy;
  /** Whether another engine may serve when the named one cannot. `auto` always may. */
  readonly allowFallback: boolean;
  /** 0 to 9, 9 first. */
  readonly priority: number;
  /** Whether a transcript that the same recording and options gave before may be taken. */
  readonly reuse?: boolean;
  /** Who is to do the work; undefined means `mesh`. */
  readonly worker?: WorkerChoice;
  readonly sessionId?: string;
  readonly title?: string;
  readonly tags: readonly string[];
  /** The caller's own id, echoed. */
  readonly dbId?: string;
  /** As what the transcript is put into the object store when the job completes; undefined means not at all. */
  readonly resultFile?: TranscriptFormat;
  /** Where the client wants to hear of the end. */
  readonly callback?: JobCallback;
  /** Echoed. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** The uploaded file as it lies in the object store. */
export interface MediaObject {
  readonly key: string;
  /** The client's name for the file, for people only; never used as a path. */
  readonly filename: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** As sniffed from the bytes, such as `audio/mpeg`. */
  readonly mediaType: string;
  /** undefined until its headers were read. */
  readonly facts?: MediaFacts;
}

/** A recording that lies elsewhere and is still to be fetched. */
export interface RemoteMedia {
  /** May hold a secret, as signed links do: never logged, never shown. */
  readonly url: string;
  /** What to call the file until its host has said, for people only. */
  readonly filename: string;
}

/** One engine call that failed. */
export interface FailedAttempt {
  readonly engine: EngineKind;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface JobFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly attempts: readonly FailedAttempt[];
}

export interface StageTime {
  readonly name: string;
  readonly startedAt: Date;
  /** undefined while the stage runs. */
  readonly seconds?: number;
}

/** A job as everyone but its worker sees it. */
export interface Job {
  readonly id: string;
  readonly transcriptId: string;
  /** Rises with every change of the job and never falls: tells the newer of two readings. */
  readonly revision: number;
  readonly status: JobStatus;
  /** 0 to 100. */
  readonly progress: number;
  readonly stage: string;
  readonly message: string;
  readonly options: JobOptions;
  /** The file's name, for people only. */
  readonly filename: string;
  /** undefined as long as the recording has not been fetched from `sourceUrl`. */
  readonly media?: MediaObject;
  /** When the media were removed; undefined while they are kept. */
  readonly mediaRemovedAt?: Date;
  /** Where the recording is to be fetched; undefined for one that was uploaded. May hold a secret. */
  readonly sourceUrl?: string;
  readonly workerId?: string;
  /** Whether a remote worker is to do it; absent once the mesh has taken it over. */
  readonly isRemote?: true;
  /** Why the mesh does what a remote worker was to do. */
  readonly meshReason?: string;
  /** How often a worker began it. */
  readonly attempts: number;
  readonly createdAt: Date;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  readonly stages: readonly StageTime[];
  /** How long the engines should take for all of it, as it looked when they began; undefined when nobody can tell. */
  readonly expectedMs?: number;
  /** The job whose transcript was taken for this one, which may be gone by now; undefined for one that was worked on. */
  readonly reusedFrom?: string;
  readonly failure?: JobFailure;
}

/** A finished transcript: the one canonical form from which every format is made. */
export interface Transcript {
  readonly id: string;
  readonly jobId: string;
  readonly language: string;
  readonly durationMs: number;
  readonly engineUsed: EngineKind;
  readonly model: string;
  readonly fallbackReason?: string;
  /** In time order. */
  readonly segments: readonly TranscriptSegment[];
  /** Absent where no speaker's role is known. */
  readonly speakerRoles?: SpeakerRoles;
  readonly warnings: readonly TranscriptWarning[];
  /** What each engine made of it, for `compare` and `consensus`; preferred first. */
  readonly lanes?: readonly LaneTranscript[];
  /** How the engines differ, for `compare` and `consensus`. */
  readonly comparison?: Comparison;
}

export const spanStates = ['planned', 'running', 'done'] as const;
export type SpanState = (typeof spanStates)[number];

/** A stretch of audio that is one engine call. */
export interface Span {
  /** From 0, in time order within a channel, unique within the job. */
  readonly index: number;
  readonly startMs: number;
  /** Where the span ends. */
  readonly endMs: number;
  /** From 0; undefined when the channels are mixed. */
  readonly channel?: number;
  /** How much of the span before it and of the one behind is heard as well, where speech runs on over the cut. */
  readonly leadMs?: number;
  readonly tailMs?: number;
  readonly state: SpanState;
}
