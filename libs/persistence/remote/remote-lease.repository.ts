import { randomUUID } from 'node:crypto';
import { claimJob } from '../jobs/claim-job.js';
import { JobLeaseRepository } from '../jobs/job-lease.repository.js';
import { cancelled, fromNow, stagesClosed } from '../jobs/job-sql.js';
import type { Claim, Lease } from '../jobs/lease.js';
import { storableText } from '../storable.js';
import { offerColumns, type OfferRow, type RemoteOffer, toOffer } from './remote-offer.js';

/** What became of the wish to offer a job. */
export type OfferOutcome = 'offered' | 'cancelled' | 'nobody';

/** What the last try with remote workers came to. */
export interface LastOffer extends RemoteOffer {
  /** How often a job may be tried again. */
  readonly maxRetries: number;
}

const MAX_REASON_CHARS = 300;

/**
 * Jobs that remote workers do, as our worker sees them: it makes them ready, offers them and finishes them, and holds
 * their lease meanwhile. In between the lease is the remote worker's.
 *
 * @throws LeaseLostError as `JobLeaseRepository` does
 */
export class RemoteLeaseRepository extends JobLeaseRepository {
  /** Jobs that something is to be done about, the oldest first: not offered yet, lapsed, ended or fallen silent. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ jobId: string }>(
      `SELECT job_id AS "jobId" FROM transcript_jobs
       WHERE is_remote AND (status = 'queued' AND not_before <= clock_timestamp()
         OR status = 'processing' AND lease_until < clock_timestamp())
       ORDER BY id LIMIT $1`,
      [limit],
    );
    return rows.map(({ jobId }) => jobId);
  }

  override async claim(jobId: string, workerId: string, leaseMs: number): Promise<Claim | undefined> {
    return this.database.transaction((transaction) => claimJob(transaction, jobId, workerId, leaseMs, true));
  }

  /** undefined where the job has not been offered since it was sent or retried. */
  async lastOffer(jobId: string): Promise<LastOffer | undefined> {
    const [row] = await this.database.query<OfferRow & { maxRetries: number }>(
      `SELECT ${offerColumns}, job.max_retries AS "maxRetries"
       FROM remote_offers AS offer JOIN transcript_jobs AS job USING (job_id) WHERE job_id = $1`,
      [jobId],
    );
    return row && { ...toOffer(row), maxRetries: row.maxRetries };
  }

  /** The offer that a run of the job made, while it is open. */
  async openOffer(jobId: string, run: number): Promise<RemoteOffer | undefined> {
    const [row] = await this.database.query<OfferRow>(
      `SELECT ${offerColumns} FROM remote_offers AS offer JOIN transcript_jobs AS job USING (job_id)
       WHERE job_id = $1 AND offer.run = $2 AND state = 'open' AND expires_at > clock_timestamp()
         AND job.status = 'queued'`,
      [jobId, run],
    );
    return row && toOffer(row);
  }

  /**
   * Gives the lease up and offers the job to every endpoint that takes offers; the messages are written in the same
   * transaction. A job whose cancel was asked for meanwhile ends instead; where nobody takes offers nothing changes.
   *
   * @param openMs after which the job is due again unless somebody took it
   */
  async offer(lease: Lease, offer: { durationMs: number; openMs: number }): Promise<OfferOutcome> {
    return this.whileHeld(lease, async ({ query }, id, cancelRequested) => {
      if (cancelRequested) {
        await query(`UPDATE transcript_jobs SET ${cancelled} WHERE id = $1`, [id]);
        return 'cancelled';
      }
      const asked = await query(
        `INSERT INTO webhook_deliveries (endpoint_id, job_id, run, event, occurred_at)
         SELECT id, $1, $2, 'job.offered', clock_timestamp() FROM webhook_endpoints
         WHERE ${takesOffers} RETURNING id`,
        [lease.jobId, lease.attempt],
      );
      if (asked.length === 0) return 'nobody';
      await query('DELETE FROM remote_offers WHERE job_id = $1', [lease.jobId]);
      await query(
        `INSERT INTO remote_offers (job_id, offer_id, run, duration_ms, expires_at)
         VALUES ($1, $2, $3, $4, ${fromNow('$5')})`,
        [lease.jobId, randomUUID(), lease.attempt, Math.ceil(offer.durationMs), offer.openMs],
      );
      // What it took to get here was fruitful: only a worker that dies over and over before that has the job given up.
      await query(
        `UPDATE transcript_jobs
         SET status = 'queued', stage = 'offered', message = 'Offered to remote workers.', lease_token = NULL,
           lease_until = NULL, worker_id = NULL, not_before = ${fromNow('$2')}, fruitful_attempts = attempts,
           busy_since = NULL, outage_since = NULL, updated_at = now(), stages = ${stagesClosed}
             || jsonb_build_array(jsonb_build_object('name', 'offered', 'startedAt', clock_timestamp()))
         WHERE id = $1`,
        [id, offer.openMs],
      );
      return 'offered';
    });
  }

  /** Gives the job to the workers of the mesh, with its attempts counted anew; a cancelled one ends instead. */
  async toMesh(lease: Lease, reason: string): Promise<'queued' | 'cancelled'> {
    const became = await this.giveBack(lease, { afterMs: 0, countAttempt: true });
    if (became === 'queued') {
      // The status is set although it is that already: it puts the job in line.
      await this.database.query(
        `UPDATE transcript_jobs SET status = 'queued', is_remote = false, mesh_reason = $2, attempts = 0, fruitful_attempts = 0
         WHERE job_id = $1 AND status = 'queued' AND is_remote AND run = $3`,
        [lease.jobId, storableText(reason).slice(0, MAX_REASON_CHARS), lease.attempt],
      );
    }
    return became;
  }
}

/** Of rows of `webhook_endpoints`: offers go only to those that ask for them by name. */
export const takesOffers = `disabled_reason IS NULL AND 'job.offered' = ANY (event_types)`;
