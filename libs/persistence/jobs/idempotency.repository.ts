import type { Database, Transaction } from '../database.js';
import { fromNow } from './job-sql.js';

/** For how long a key stands for its submission. */
const KEY_TTL_MS = 24 * 3_600_000;

/** The name that a client gave to a submission, and what tells whether another one under that name is the same. */
export interface SubmissionKey {
  readonly key: string;
  /** Equal for equal payloads only. */
  readonly fingerprint: string;
}

/** The submission that has a key. */
export interface EarlierSubmission {
  readonly fingerprint: string;
  readonly jobId: string;
}

/**
 * Keys of submissions. A key is taken in the transaction that makes the job, never before: a refused submission and a
 * process that dies leave it free.
 */
export class IdempotencyRepository {
  constructor(private readonly database: Database) {}

  /** undefined where the key is free: never used, run out, or its job erased. */
  async find(key: string): Promise<EarlierSubmission | undefined> {
    const [row] = await this.database.query<EarlierSubmission>(
      `SELECT k.fingerprint, j.job_id AS "jobId"
       FROM idempotency_keys k JOIN transcript_jobs j USING (transcript_id)
       WHERE k.key = $1 AND k.expires_at > clock_timestamp()`,
      [key],
    );
    return row;
  }

  /** Removes up to `limit` keys that have run out. @returns how many */
  async removeExpired(limit: number): Promise<number> {
    const removed = await this.database.query(
      `DELETE FROM idempotency_keys WHERE key IN (
         SELECT key FROM idempotency_keys WHERE expires_at <= clock_timestamp()
         ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING key`,
      [limit],
    );
    return removed.length;
  }
}

/** Takes a key that is free or has run out. Waits for a transaction that is about to take it. */
export async function takeKey(
  { query }: Transaction,
  { key, fingerprint }: SubmissionKey,
  transcriptId: string,
): Promise<boolean> {
  const taken = await query(
    `INSERT INTO idempotency_keys AS k (key, fingerprint, transcript_id, expires_at)
     VALUES ($1, $2, $3, ${fromNow('$4')})
     ON CONFLICT (key) DO UPDATE
       SET fingerprint = excluded.fingerprint, transcript_id = excluded.transcript_id, expires_at = excluded.expires_at
       WHERE k.expires_at <= clock_timestamp()
     RETURNING key`,
    [key, fingerprint, transcriptId, KEY_TTL_MS],
  );
  return taken.length > 0;
}
