import { randomUUID } from 'node:crypto';
import type { JobOptions, JobStatus } from '#contracts';
import type { Database, Transaction } from '../database.js';
import { fromNow, stagesClosed } from '../jobs/job-sql.js';
import { type Lease, LeaseLostError } from '../jobs/lease.js';
import { storableJson, storableText } from '../storable.js';
import { offerColumns, type OfferRow, type RemoteFailure, type RemoteOffer, toOffer } from './remote-offer.js';

/** What subscribers were told of a remote worker's text so far. */
export interface ToldText {
  /** Segments that were sent as deltas. */
  readonly segments: number;
  /** A digest of them, by which whoever knows the final text sees whether it begins with them. */
  readonly digest: string;
  /** false when a report is missing that may have told more. */
  readonly forSure: boolean;
}

/** An offer as its reports see it. */
export interface ReportedOffer extends RemoteOffer {
  readonly endpointId?: string;
  /** Highest so far; 0 before the first report. */
  readonly lastSequence: number;
  /** Ids of the last reports. */
  readonly messageIds: readonly string[];
  readonly told: ToldText;
  /** How much longer its worker may work; undefined while it is open. */
  readonly leftMs?: number;
}

/** Where a job stands when a report comes in. */
export interface ReportStanding {
  readonly status: JobStatus;
  readonly isRemote: boolean;
  readonly progress: number;
  readonly options: JobOptions;
  /** undefined where it has not been offered. */
  readonly offer?: ReportedOffer;
  /** The right to write of the offer's worker; undefined where it has none, or no more. */
  readonly lease?: Lease;
}

/** One report at work: no other about the same job is meanwhile. What is written is kept when the work ends well. */
export interface ReportSession {
  readonly standing: ReportStanding;
  /** Gives the open offer's job to a worker. @throws LeaseLostError when another was first or the offer has lapsed */
  take(by: { endpointId: string; workerId: string }, times: { leaseMs: number; limitMs: number }): Promise<void>;
  /** Notes that a report has had its effect. */
  note(report: { sequence: number; messageId: string; told?: ToldText }): Promise<void>;
  /**
   * Gives the job back to our workers, who finish it or decide what comes next.
   *
   * @throws LeaseLostError
   */
  handOver(lease: Lease, end: { failure?: RemoteFailure; afterMs: number; message: string }): Promise<void>;
}

/** Reports that are remembered by their id; older ones are told by their sequence. */
const KEPT_MESSAGES = 64;
/** First key of the advisory locks of reports; no other part of the product uses it. */
const REPORT_LOCK_KEY = 7_265_017;

/** What remote workers report, one report of a job after the other whichever gateway gets it. */
export class RemoteReportRepository {
  constructor(private readonly database: Database) {}

  /**
   * Runs the work while no other report of the job is at work.
   *
   * @returns undefined when another is; `none` when there is no such job
   */
  async exclusively<T>(jobId: string, work: (session: ReportSession) => Promise<T>): Promise<T | 'none' | undefined> {
    return this.database.transaction(async (transaction) => {
      const [lock] = await transaction.query<{ locked: boolean }>(
        'SELECT pg_try_advisory_xact_lock($1::integer, hashtext($2::text)) AS locked',
        [REPORT_LOCK_KEY, jobId],
      );
      if (lock?.locked !== true) return undefined;
      const standing = await standingOf(transaction, jobId);
      return standing ? work(new Session(transaction, jobId, standing)) : 'none';
    });
  }
}

class Session implements ReportSession {
  constructor(
    private readonly transaction: Transaction,
    private readonly jobId: string,
    readonly standing: ReportStanding,
  ) {}

  async take(by: { endpointId: string; workerId: string }, times: { leaseMs: number; limitMs: number }): Promise<void> {
    const { query } = this.transaction;
    const token = randomUUID();
    const worker = storableText(by.workerId);
    const taken = await query(
      `UPDATE transcript_jobs
       SET status = 'processing', stage = 'transcribing', message = 'A remote worker has taken the job.',
         worker_id = $2, lease_token = $3, lease_until = ${fromNow('least($4::double precision, $5::double precision)')},
         updated_at = now(), stages = ${stagesClosed}
           || jsonb_build_array(jsonb_build_object('name', 'transcribing', 'startedAt', clock_timestamp()))
       WHERE job_id = $1 AND is_remote AND status = 'queued' AND stage = 'offered' RETURNING id`,
      [this.jobId, worker, token, times.leaseMs, times.limitMs],
    );
    const marked = await query(
      `UPDATE remote_offers SET state = 'taken', worker_id = $3, endpoint_id = $4, lease_token = $5,
         ends_at = ${fromNow('$6')}
       WHERE job_id = $1 AND offer_id = $2 AND state = 'open' RETURNING job_id`,
      [this.jobId, this.standing.offer?.offerId ?? null, worker, by.endpointId, token, times.limitMs],
    );
    if (taken.length === 0 || marked.length === 0) {
      throw new LeaseLostError({ jobId: this.jobId, token, workerId: by.workerId, attempt: 0 });
    }
  }

  async note(report: { sequence: number; messageId: string; told?: ToldText }): Promise<void> {
    const { segments, digest, forSure } = report.told ?? {};
    await this.transaction.query(
      `UPDATE remote_offers
       SET last_sequence = $3, told = coalesce($5, told), told_digest = coalesce($6, told_digest),
         told_for_sure = coalesce($7, told_for_sure),
         message_ids = (array_append(message_ids, $4::text))[greatest(1, cardinality(message_ids) + 2 - $8::integer):]
       WHERE job_id = $1 AND offer_id = $2`,
      [
        ...[this.jobId, this.standing.offer?.offerId ?? null, report.sequence, storableText(report.messageId)],
        ...[segments ?? null, digest ?? null, forSure ?? null, KEPT_MESSAGES],
      ],
    );
  }

  async handOver(lease: Lease, end: { failure?: RemoteFailure; afterMs: number; message: string }): Promise<void> {
    const { query } = this.transaction;
    const { failure, afterMs, message } = end;
    // Finishing is no attempt of its own; offering again is the next one.
    const rows = await query(
      `UPDATE transcript_jobs
       SET lease_until = ${fromNow('$3')}, attempts = greatest(0, attempts - $4::integer), updated_at = now(),
         fruitful_attempts = least(fruitful_attempts, greatest(0, attempts - $4::integer)), message = $5
       WHERE job_id = $1 AND lease_token = $2 AND status = 'processing' RETURNING id`,
      [lease.jobId, lease.token, afterMs, failure ? 0 : 1, storableText(message)],
    );
    if (rows.length === 0) throw new LeaseLostError(lease);
    await query('UPDATE remote_offers SET state = $2, failure = $3 WHERE job_id = $1 AND lease_token = $4', [
      ...[lease.jobId, failure ? 'failed' : 'done', failure ? storableJson(failure) : null, lease.token],
    ]);
  }
}

interface StandingRow extends OfferRow {
  readonly status: JobStatus;
  readonly isRemote: boolean;
  readonly progress: number;
  readonly options: JobOptions;
  readonly run: number;
  readonly workerId: string | null;
  readonly token: string | null;
  readonly endpointId: string | null;
  readonly lastSequence: string;
  readonly messageIds: readonly string[];
  readonly told: number;
  readonly digest: string;
  readonly forSure: boolean;
  readonly leftMs: number | null;
}

async function standingOf({ query }: Transaction, jobId: string): Promise<ReportStanding | undefined> {
  const [row] = await query<StandingRow | Nulled<StandingRow>>(
    `SELECT job.status, job.is_remote AS "isRemote", job.progress, job.engine_params AS options, job.run,
       job.worker_id AS "workerId",
       CASE WHEN job.status = 'processing' AND offer.state = 'taken' AND job.lease_token = offer.lease_token
         THEN job.lease_token END AS token,
       ${offerColumns}, offer.endpoint_id AS "endpointId", offer.last_sequence AS "lastSequence",
       offer.message_ids AS "messageIds", offer.told, offer.told_digest AS digest, offer.told_for_sure AS "forSure",
       (extract(epoch FROM offer.ends_at - clock_timestamp()) * 1000)::double precision AS "leftMs"
     FROM transcript_jobs AS job LEFT JOIN remote_offers AS offer USING (job_id) WHERE job_id = $1`,
    [jobId],
  );
  if (!row) return undefined;
  const { status, isRemote, progress, options, run, workerId, token } = row;
  return {
    ...{ status, isRemote, progress, options },
    ...(row.offerId === null ? {} : { offer: reportedOffer(row) }),
    ...(token === null ? {} : { lease: { jobId, token, workerId: workerId ?? '', attempt: run } }),
  };
}

/** A job that has no offer has none of its columns. */
type Nulled<Row> = Pick<Row, Extract<keyof Row, 'status' | 'isRemote' | 'progress' | 'options' | 'run'>> & {
  readonly workerId: string | null;
  readonly token: null;
  readonly offerId: null;
};

function reportedOffer(row: StandingRow): ReportedOffer {
  const { endpointId, lastSequence, messageIds, told, digest, forSure, leftMs } = row;
  return {
    ...toOffer(row),
    ...(endpointId === null ? {} : { endpointId }),
    ...(leftMs === null ? {} : { leftMs }),
    lastSequence: Number(lastSequence),
    messageIds,
    told: { segments: told, digest, forSure },
  };
}
