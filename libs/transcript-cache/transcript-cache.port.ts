import type { Transcript } from '#contracts';

/** A finished transcript as it was when its job's row had this revision. */
export interface CachedTranscript {
  /** Rises with every change of the job's row and never falls. A whole number. */
  readonly revision: number;
  readonly transcript: Transcript;
}

/**
 * Finished transcripts for those who read them often. The database is the truth, and is asked first whether there is such
 * a transcript and at which revision: the cache may know nothing at any time, and saves reading the segments.
 */
export abstract class TranscriptCache {
  /** Keeps the transcript in place of what it has of the job. Never fails: who cannot cache goes on without. */
  abstract put(cached: CachedTranscript): Promise<void>;

  /**
   * The transcript at just this revision; undefined where the database must be asked. Answers within a quarter of a second,
   * and never fails.
   */
  abstract get(jobId: string, revision: number): Promise<Transcript | undefined>;

  /**
   * Removes the transcript, for erasure.
   *
   * @throws PolyscribeError `dependency_unavailable` when it may still be there
   */
  abstract forget(jobId: string): Promise<void>;

  /** Afterwards it takes everything and knows nothing. */
  abstract close(): Promise<void>;
}
