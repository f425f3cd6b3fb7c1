import type { EngineKind, Job, Span, TranscriptWarning } from '#contracts';

/** The right to work on a job. Whoever claims it next makes the token void, and every write under it is refused. */
export interface Lease {
  readonly jobId: string;
  readonly token: string;
  readonly workerId: string;
  /** Number of the job's run: rises with every claim and every retry, so that no two ends of a job share it. */
  readonly attempt: number;
}

/** What is known of a span when a job is claimed. The fields without value are there once it is done. */
export interface SpanRecord extends Span {
  /** Whether it is all of its channel, rather than a piece that others follow. */
  readonly isWhole: boolean;
  /** Whether what it and the span before have heard both is joined. */
  readonly isJoined: boolean;
  readonly engine?: EngineKind;
  readonly instance?: string;
  readonly model?: string;
  readonly language?: string;
  readonly warnings: readonly TranscriptWarning[];
}

/** For how long a job has been put back again and again, when it was claimed; 0 when it was not. */
export interface WaitedMs {
  /** Every engine that could serve was full; counts until a span is done. */
  readonly busy: number;
  /** No engine was up, or a dependency away; counts until a span is done or an engine at least says that it is full. */
  readonly outage: number;
}

/** A job with the right to work on it. */
export interface Claim {
  readonly lease: Lease;
  readonly job: Job;
  /** In order of index; empty when nothing was planned yet. Those that are `running` were cut short. */
  readonly spans: readonly SpanRecord[];
  /**
   * `job.attempts` up to which a worker may give the job back; the last one fails it instead. Attempts that finished a span
   * raise it: a long job that gets on is not given up for what became of its workers.
   */
  readonly maxAttempts: number;
  readonly waitedMs: WaitedMs;
}

/** The job is no longer this worker's: another has it, it was cancelled or has ended. Stop, and write nothing more. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';

  constructor(lease: Lease) {
    super(`Worker ${lease.workerId} no longer holds job ${lease.jobId}.`);
  }
}
