import type { Database } from '../database.js';
import { fromNow } from './job-sql.js';

/** For how long a worker that is not heard of counts as running. */
const SILENT_MS = 20_000;
/** Rows of workers that ended without a word are kept no longer. */
const FORGOTTEN_MS = 3_600_000;

/** Which workers run. */
export class WorkerRepository {
  constructor(private readonly database: Database) {}

  /** Says that the worker runs; to be repeated every few seconds. */
  async beat(workerId: string): Promise<void> {
    await this.database.query(
      `INSERT INTO workers (worker_id) VALUES ($1)
       ON CONFLICT (worker_id) DO UPDATE SET seen_at = clock_timestamp()`,
      [workerId],
    );
    await this.database.query(`DELETE FROM workers WHERE seen_at < ${fromNow('-$1')}`, [FORGOTTEN_MS]);
  }

  /** The worker has ended. */
  async leave(workerId: string): Promise<void> {
    await this.database.query('DELETE FROM workers WHERE worker_id = $1', [workerId]);
  }

  /** How many run, idle or with a job. */
  async count(): Promise<number> {
    const [row] = await this.database.query<{ workers: number }>(
      `SELECT count(*)::integer AS workers FROM (
         SELECT worker_id FROM workers WHERE seen_at >= ${fromNow('-$1')}
         UNION
         SELECT worker_id FROM transcript_jobs WHERE status = 'processing' AND lease_until >= now()
       ) AS running`,
      [SILENT_MS],
    );
    return row?.workers ?? 0;
  }
}
