import type { Database } from '../database.js';
import { fromNow } from './job-sql.js';

/** A transcript that is to go, with all that belongs to it. */
export interface Erasure {
  readonly transcriptId: string;
  readonly jobId: string;
  /** Where its media lay when the erasure was asked for; undefined where they had not been fetched. */
  readonly mediaKey?: string;
}

interface ErasureRow {
  readonly transcriptId: string;
  readonly jobId: string;
  readonly mediaKey: string | null;
}

const columns = 'transcript_id AS "transcriptId", job_id AS "jobId", media_key AS "mediaKey"';

/** What is to be erased stands here before anything is erased, and until nothing is left: a crash forgets none of it. */
export class ErasureRepository {
  constructor(private readonly database: Database) {}

  /**
   * Notes that the transcript is to go. Safe to repeat while it is there.
   *
   * @param dueInMs when somebody else is to finish it if the caller does not
   * @returns undefined when there is no such transcript
   */
  async begin(transcriptId: string, dueInMs: number): Promise<Erasure | undefined> {
    const [row] = await this.database.query<ErasureRow>(
      `INSERT INTO erasures (transcript_id, job_id, media_key, due_at)
       SELECT transcript_id, job_id, media_key, ${fromNow('$2')} FROM transcript_jobs WHERE transcript_id = $1
       ON CONFLICT (transcript_id) DO UPDATE SET due_at = excluded.due_at
       RETURNING ${columns}`,
      [transcriptId, dueInMs],
    );
    return row && toErasure(row);
  }

  /**
   * Removes transcript, job, spans and segments. A worker that has the job loses its lease with the row.
   *
   * @returns false when they were gone already
   */
  async removeRows(transcriptId: string): Promise<boolean> {
    return this.database.transaction(async ({ query }) => {
      await query(
        'UPDATE erasures SET rows_removed_at = coalesce(rows_removed_at, clock_timestamp()) WHERE transcript_id = $1',
        [transcriptId],
      );
      // The job first, as its worker locks them: each could otherwise wait for the other.
      await query('SELECT FROM transcript_jobs WHERE transcript_id = $1 FOR UPDATE', [transcriptId]);
      const removed = await query('DELETE FROM transcripts WHERE id = $1 RETURNING id', [transcriptId]);
      return removed.length > 0;
    });
  }

  /**
   * Notes that nothing was left after a pass. Before `quietMs` are over since the rows went, a worker that had the job
   * may still have told something: then another pass is due.
   */
  async passed(transcriptId: string, quietMs: number): Promise<void> {
    const settled = await this.database.query(
      `DELETE FROM erasures WHERE transcript_id = $1 AND rows_removed_at <= ${fromNow('-$2')} RETURNING transcript_id`,
      [transcriptId, quietMs],
    );
    if (settled.length > 0) return;
    await this.database.query(`UPDATE erasures SET due_at = ${fromNow('$2')} WHERE transcript_id = $1`, [
      transcriptId,
      quietMs,
    ]);
  }

  /**
   * Erasures that are due, the longest due first, each for one caller.
   *
   * @param dueInMs when they are due again if the caller does not finish them
   */
  async takeDue(limit: number, dueInMs: number): Promise<Erasure[]> {
    const rows = await this.database.query<ErasureRow>(
      `UPDATE erasures SET due_at = ${fromNow('$2')}
       WHERE transcript_id IN (
         SELECT transcript_id FROM erasures WHERE due_at <= clock_timestamp()
         ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
       RETURNING ${columns}`,
      [limit, dueInMs],
    );
    return rows.map(toErasure);
  }
}

function toErasure({ mediaKey, ...ids }: ErasureRow): Erasure {
  return { ...ids, ...(mediaKey === null ? {} : { mediaKey }) };
}
