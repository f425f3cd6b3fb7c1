import type { Job, MediaObject, Span } from '#contracts';
import type { Lease, NotedFacts } from '#persistence';
import type { JobEventSink, JobLedger } from './job-run.js';
import type { JointLedger } from './joint-ledger.js';
import type { ProgressReporter } from './progress-reporter.js';
import type { DoneSpan, TranscriptSummary } from './transcript-summary.js';

/** One attempt at a job, as it begins. */
export interface Attempt {
  readonly job: Job;
  /** Number of the job's run; later ones have higher numbers. */
  readonly run: number;
  readonly lease: Lease;
  /** For how long the job has been put back because something was away. */
  readonly outageMs: number;
  /** What earlier attempts have planned and begun. */
  readonly spans: readonly PlannedBefore[];
  /** Whether they take each channel as a whole; undefined when nothing is planned. */
  readonly isWhole: boolean | undefined;
  /** What earlier attempts have finished. */
  readonly done: readonly DoneSpan[];
  readonly ledger: JobLedger;
  /** The same for a job that several engines do side by side. */
  readonly joint: JointLedger;
  /** Notes that the recording has been fetched; throws once the lease is lost. */
  recordMedia(media: MediaObject): Promise<void>;
  /** Writes down what the headers of the recording say, and how long the engines should take for all of it. */
  recordFacts(facts: NotedFacts): Promise<void>;
  /** The same, soon: with the end of the job where that comes first. */
  noteFacts(facts: NotedFacts): void;
  /** Takes a transcript that the same recording and options gave before; undefined where there is none. */
  reuse(): Promise<TranscriptSummary | undefined>;
  readonly events: JobEventSink;
  readonly progress: ProgressReporter;
}

/** A span of an earlier attempt. */
export interface PlannedBefore extends Span {
  /** Whether what it and the span before have heard both is joined. */
  readonly isJoined: boolean;
}
