import type { Job } from '#contracts';
import type { Database } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { toJob } from './job.mapper.js';
import { fromNow } from './job-sql.js';

/** A job that nobody works on although somebody could. */
export interface UnqueuedJob {
  readonly jobId: string;
  readonly priority: number;
  /** Where to go on for the next page. */
  readonly cursor: string;
}

/** A job whose end may not have been told yet. */
export interface UnannouncedJob {
  readonly job: Job;
  /** The run that ended, as in `Lease`; names the event, so that telling it twice is harmless. */
  readonly attempt: number;
}

/** Finds what a crash left between the database and the queue or the event bus. */
export class ReconcileRepository {
  constructor(private readonly database: Database) {}

  /**
   * Jobs that should have a queue entry: they have been due for a while, or their worker's lease has run out. Most have
   * one, so that the caller goes through all pages.
   *
   * @param waitedMs jobs that became due within that time are left to whoever is just putting them in
   * @param after `cursor` of the last job of the page before
   */
  async unqueued(limit: number, waitedMs: number, after = '0'): Promise<UnqueuedJob[]> {
    return this.database.query<UnqueuedJob>(
      `SELECT job_id AS "jobId", priority, id::text AS cursor FROM transcript_jobs
       WHERE id > $1 AND status IN ('queued', 'processing') AND NOT is_remote
         AND (status = 'queued' AND greatest(not_before, updated_at) <= ${fromNow('-$3')}
           OR status = 'processing' AND lease_until < now())
       ORDER BY id LIMIT $2`,
      [after, limit, waitedMs],
    );
  }

  /** Ended jobs whose last event is not known to be published, the oldest first. */
  async unannounced(limit: number): Promise<UnannouncedJob[]> {
    return this.database.run(async (manager) => {
      const rows = await manager
        .createQueryBuilder(TranscriptJobEntity, 'job')
        .where("NOT job.announced AND job.status IN ('completed', 'failed', 'cancelled')")
        .orderBy('job.id')
        .limit(limit)
        .getMany();
      return rows.map((row) => ({ job: toJob(row), attempt: row.run }));
    });
  }

  /** The same for one job: what is to be told now; undefined when it has not ended or all is told. */
  async unannouncedEnd(jobId: string): Promise<UnannouncedJob | undefined> {
    const row = await this.database.run((manager) =>
      manager.findOneBy(TranscriptJobEntity, { jobId, announced: false }),
    );
    return row?.completedAt ? { job: toJob(row), attempt: row.run } : undefined;
  }

  /** Notes that the end of that run has been published. Does nothing when the job runs again meanwhile. */
  async markAnnounced(jobId: string, attempt: number): Promise<void> {
    await this.database.query(
      `UPDATE transcript_jobs SET announced = true
       WHERE job_id = $1 AND run = $2 AND status IN ('completed', 'failed', 'cancelled')`,
      [jobId, attempt],
    );
  }
}
