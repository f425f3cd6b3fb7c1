import type { JobStatus } from '#contracts';

/** What clients see of a job, as JSON. */
export interface StatusBody {
  readonly job_id: string;
  readonly status: JobStatus;
}

export interface CachedStatus<Body extends StatusBody = StatusBody> {
  /**
   * Rises with every change of the job's row and never falls, whoever wrote it. A whole number.
   */
  readonly revision: number;
  readonly body: Body;
}

/**
 * The status of jobs for those who ask often. The database row is the truth: the cache may know nothing at any time, and
 * what it knows of a job that has not completed may be some seconds old, for a crash can keep the news of its end back, and
 * one that failed or was cancelled may run again.
 */
export abstract class StatusCache<Body extends StatusBody = StatusBody> {
  /** Whether it keeps anything at all: whether preparing a status for it is worth the trouble. */
  abstract readonly keeps: boolean;

  /** Keeps the status unless it has a newer one of the job. Never fails: who cannot cache goes on without. */
  abstract put(status: CachedStatus<Body>): Promise<void>;

  /** The newest status; undefined where the database must be asked. Answers within a quarter of a second, and never fails. */
  abstract get(jobId: string): Promise<CachedStatus<Body> | undefined>;

  /**
   * Removes the status, for erasure.
   *
   * @throws PolyscribeError `dependency_unavailable` when it may still be there
   */
  abstract forget(jobId: string): Promise<void>;

  /** Afterwards it takes everything and knows nothing. */
  abstract close(): Promise<void>;
}
