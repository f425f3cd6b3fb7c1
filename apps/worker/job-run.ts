import type { SpanEnd } from '#audio';
import type { EngineKind, FailedAttempt, Job, JobEventBody, TranscriptSegment, TranscriptWarning } from '#contracts';
import type { RoutingRequest } from '#routing';
import type { ProgressReporter } from './progress-reporter.js';
import type { Settlement, SpanJoints } from './span-joints.js';
import type { SpanPlace } from './span-segments.js';

/** What is known of the end of a span that is given to an engine before it has been decoded as a whole. */
export interface OpenEnd {
  /** Where it ends, once that is known and written down; rejects with what kept it from that. */
  readonly known: Promise<SpanEnd>;
  /** The same, without waiting; undefined while it is not known. */
  now(): SpanEnd | undefined;
  /** Up to there, in the audio of the job, it is certain that the span goes, and that its neighbours hear nothing of it. */
  ownToMs(): number;
  /** How long its audio may become. */
  readonly longestMs: number;
}

/** A span that is to be done. */
export interface SpanWork extends SpanPlace {
  /** Length of its audio; undefined while it is not known. */
  readonly lengthMs: number | undefined;
  /** Only for a span whose end is not known, or was not when it was given. */
  readonly open?: OpenEnd;
  /** Memory that its audio takes as long as it is in work. */
  readonly heldBytes: number;
  /** An earlier try may have told subscribers of it. */
  readonly begun: boolean;
  /** Its audio from the start; may be asked for once for each try. */
  audio(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Says that its audio will not be asked for again, nor is read: the memory may be used for another span of the job. */
  release?(): void;
}

/** A span that is done. */
export interface SpanResult {
  readonly index: number;
  readonly engine: EngineKind;
  readonly instance: string;
  readonly model: string;
  readonly language: string;
  readonly warnings: readonly TranscriptWarning[];
  /** Where its audio ends. */
  readonly endMs: number;
  /** Why another engine than the one meant served it. */
  readonly fallbackReason?: string;
}

/** A span as it is written down before it is worked on. */
export interface SpanToPlan extends SpanPlace {
  readonly endMs: number;
  /** Whether it is all of its channel, rather than a piece that others follow. */
  readonly isWhole: boolean;
}

/** The job's record in the database, written under its lease. Every write throws once the lease is lost. */
export interface JobLedger {
  /** Notes a span before it is worked on, or where it ends; it is written when the next one begins, or it is done. */
  planSpan(span: SpanToPlan): void;
  /** Resolves when all that is planned is written. */
  settlePlans(): Promise<void>;
  startSpan(index: number, by: { readonly engine: EngineKind; readonly instance: string }): Promise<void>;
  recordFailedAttempt(attempt: FailedAttempt): Promise<void>;
  /** Writes a span that is done, and what its neighbours became by that, once what was said of it is told. */
  commitSpan(result: SpanResult, settled: Omit<Settlement, 'final'>): Promise<void>;
  /** Segments of spans that are done, in order. */
  segmentsOf(spans: readonly number[]): Promise<TranscriptSegment[]>;
}

/** Takes a job's events in order. */
export interface JobEventSink {
  add(event: JobEventBody): Promise<void>;
  drain(): Promise<void>;
}

/** What the parts of one attempt at a job share. */
export interface JobRun {
  readonly job: Job;
  readonly routing: RoutingRequest;
  readonly ledger: JobLedger;
  readonly events: JobEventSink;
  readonly progress: ProgressReporter;
  readonly joints: SpanJoints;
  /** Whether its spans may go to engines of different kinds side by side. */
  readonly mixesEngines: boolean;
  /** Otherwise the engine that the transcript's spans go to as long as it serves, so that one hand writes it all. */
  engine: EngineKind | undefined;
}
