import type { Job } from '#contracts';
import type { Database } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { toJob } from './job.mapper.js';
import { fromNow } from './job-sql.js';

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
   * How many jobs could be taken: they are due, or their worker's lease has run out. Counts up to `most`.
   *
   * @param waitedMs jobs that became due within that time are left to whoever is just putting their ticket in
   */
  async countDue(most: number, waitedMs: number): Promise<number> {
    const [row] = await this.database.query<{ due: number }>(
      `SELECT count(*)::integer AS due FROM (
         SELECT FROM transcript_jobs
         WHERE status IN ('queued', 'processing') AND NOT is_remote
           AND (status = 'queued' AND greatest(not_before, updated_at) <= ${fromNow('-$2')}
             OR status = 'processing' AND lease_until < now())
         LIMIT $1
       ) AS found`,
      [most, waitedMs],
    );
    return row?.due ?? 0;
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
    await this.database.prepared(
      `UPDATE transcript_jobs SET announced = true
       WHERE job_id = $1 AND run = $2 AND status IN ('completed', 'failed', 'cancelled')`,
      [jobId, attempt],
    );
  }
}
