import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '#config';
import { hasEnded, PolyscribeError } from '#contracts';
import { EventBus } from '#events';
import { JobStatuses } from '#job-status';
import {
  JobLeaseRepository,
  JobRepository,
  LeaseLostError,
  RemoteReportRepository,
  type ReportedOffer,
  type ReportSession,
} from '#persistence';
import type { Logger } from '#telemetry';
import { briefly } from '../answer-time.js';
import { jsonFault, sentenceOf } from '../http/json-fault.js';
import { unknownJob } from '../jobs/job-id.js';
import { fieldErrors, invalid } from '../submit/field-errors.js';
import { CONFIG, LOGGER } from '../tokens.js';
import { ReportEffects } from './report-effects.js';
import { type Report, type ReportAnswer, reportSchema } from './report.schema.js';

/** A report whose signature is right. */
export interface SignedReport {
  readonly endpointId: string;
  /** `webhook-id`: the same when it is sent again. */
  readonly messageId: string;
  readonly body: Buffer;
}

/** Looks for the end of another report of the same job. */
const TURNS = 50;
const TURN_MS = 100;

/**
 * Takes what remote workers report of the jobs that they were offered. One report of a job after the other has its effect,
 * in the order of their sequence, and each once: one that comes again, or behind a newer one, is answered and does nothing.
 */
@Injectable()
export class RemoteReports {
  private readonly effects: ReportEffects;

  constructor(
    private readonly reports: RemoteReportRepository,
    leases: JobLeaseRepository,
    private readonly events: EventBus,
    private readonly statuses: JobStatuses,
    private readonly jobs: JobRepository,
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const { leaseMs } = config.remoteWorkers;
    this.effects = new ReportEffects(leases, events, { leaseMs, limitMs: config.limits.jobTimeoutMs });
  }

  /**
   * @throws PolyscribeError `invalid_request`; `job_not_found`; `job_state_conflict` when the worker is to stop: the job is
   *   another's, or has ended, as `job_status` tells; `rate_limited`, `dependency_unavailable` when it is to be sent again
   */
  async accept(signed: SignedReport): Promise<ReportAnswer> {
    const report = read(signed.body);
    const { job_id: jobId, sequence, worker_id: workerId } = report.data;
    const applied = await this.inTurn(jobId, (session) => this.apply(session, report, signed));
    if (applied) await briefly(this.tell(report));
    this.logger.info({ jobId, workerId, type: report.type, sequence, applied }, 'a remote worker reported');
    return { job_id: jobId, sequence, applied };
  }

  private async inTurn(jobId: string, work: (session: ReportSession) => Promise<boolean>): Promise<boolean> {
    try {
      for (let turn = 0; turn < TURNS; turn += 1) {
        const applied = await this.reports.exclusively(jobId, work);
        if (applied === 'none') throw unknownJob(jobId);
        if (applied !== undefined) return applied;
        await delay(TURN_MS * (0.5 + Math.random()));
      }
    } catch (error) {
      // Between the look at the row and the write somebody else got the job.
      if (error instanceof LeaseLostError) throw conflict('The job is no longer this worker’s; stop working on it.');
      throw error;
    }
    throw new PolyscribeError('rate_limited', 'Another report of this job is at work; send it again.', {
      retryAfterMs: 1_000,
    });
  }

  private async apply(session: ReportSession, report: Report, signed: SignedReport): Promise<boolean> {
    const { standing } = session;
    const offer = offerOf(session, report);
    const isWorkers = offer.workerId === report.data.worker_id && offer.endpointId === signed.endpointId;
    if (isWorkers && isRepeat(offer, report, signed)) return false;
    if (hasEnded(standing.status)) throw ended(standing.status);
    if (offer.state === 'open') {
      if (report.type !== 'transcription.started') {
        throw conflict('The job is nobody’s: take it by transcription.started first.');
      }
      await this.effects.take(session, report, signed);
    } else {
      if (!isWorkers) throw conflict('Another worker has the job.');
      if (!standing.lease)
        throw conflict('The worker was silent for too long, or has ended the job; stop working on it.');
      await this.effects.apply({ session, offer, lease: standing.lease, messageId: signed.messageId }, report);
    }
    return true;
  }

  /** News that nobody waits for; what must not be lost was told before it was written. */
  private async tell(report: Report): Promise<void> {
    const { job_id: jobId, offer_id: offerId } = report.data;
    try {
      await this.statuses.refresh(jobId);
      if (report.type !== 'transcription.started') return;
      const job = await this.jobs.find(jobId);
      if (job?.status !== 'processing') return;
      const { status, progress, stage, message } = job;
      const data = { job_id: jobId, status, progress: Math.floor(progress), stage, message };
      await this.events.publish(jobId, [{ type: 'status', data }], { key: `taken:${offerId}` });
    } catch (error) {
      this.logger.warn({ err: error, jobId }, 'could not tell what a remote worker reported');
    }
  }
}

function read(body: Buffer): Report {
  let value: unknown;
  const text = body.toString();
  try {
    value = JSON.parse(text);
  } catch {
    const fault = jsonFault(text);
    throw new PolyscribeError('invalid_request', fault ? sentenceOf(fault) : 'The body must be JSON.');
  }
  const parsed = reportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(fieldErrors(parsed.error.issues, ['type', 'timestamp', 'data']));
}

function offerOf({ standing }: ReportSession, { data }: Report): ReportedOffer {
  const { offer, isRemote, status } = standing;
  if (offer?.offerId === data.offer_id && (isRemote || hasEnded(status))) return offer;
  if (hasEnded(status)) throw ended(status);
  if (!offer) throw conflict('The job is not one that was offered to remote workers.');
  throw conflict(isRemote ? 'The offer is over; the job was offered again.' : 'The mesh has taken the job over.');
}

function isRepeat(offer: ReportedOffer, { data }: Report, { messageId }: SignedReport): boolean {
  return data.sequence <= offer.lastSequence || offer.messageIds.includes(messageId);
}

function ended(status: string): PolyscribeError {
  return conflict(`The job is ${status}; stop working on it.`, { job_status: status });
}

function conflict(message: string, facts: Readonly<Record<string, string>> = {}): PolyscribeError {
  return new PolyscribeError('job_state_conflict', message, { facts });
}
