import type { Database } from '../database.js';

/** A job and the key of its media. */
export interface JobMedia {
  readonly jobId: string;
  readonly key: string;
}

/** What is kept of jobs, and for how long. */
export class RetentionRepository {
  constructor(private readonly database: Database) {}

  /**
   * Notes of ended jobs that their media go now, those that ended first before others; from then on they cannot be retried.
   * The caller removes the media; what it does not get to is nobody's from then on.
   *
   * @param olderThanMs for how long they must have ended
   * @returns up to `limit` of them, no two callers the same
   */
  async expireMedia(olderThanMs: number, limit: number): Promise<JobMedia[]> {
    return this.database.query<JobMedia>(
      `UPDATE transcript_jobs SET media_removed_at = clock_timestamp()
       WHERE id IN (
         SELECT id FROM transcript_jobs
         WHERE media_removed_at IS NULL AND media_key IS NOT NULL AND completed_at IS NOT NULL
           AND completed_at < clock_timestamp() - $1::double precision * interval '1 millisecond'
         ORDER BY completed_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING job_id AS "jobId", media_key AS key`,
      [olderThanMs, limit],
    );
  }

  /** Those of these jobs that exist and have their media. */
  async withMedia(jobIds: readonly string[]): Promise<JobMedia[]> {
    return this.database.query<JobMedia>(
      `SELECT job_id AS "jobId", media_key AS key FROM transcript_jobs
       WHERE job_id = ANY($1::uuid[]) AND media_key IS NOT NULL AND media_removed_at IS NULL`,
      [jobIds],
    );
  }
}
