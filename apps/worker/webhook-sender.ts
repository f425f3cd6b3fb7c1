import type { IncomingHttpHeaders } from 'node:http';
import { type Job, PolyscribeError, type WebhookTry } from '#contracts';
import type { OutboundHttp, ShortAnswer } from '#outbound-http';
import type { ObjectStore } from '#objects';
import type {
  ClaimedDelivery,
  JobRepository,
  RemoteLeaseRepository,
  TranscriptRepository,
  TryOutcome,
  WebhookDeliveryRepository,
} from '#persistence';
import type { ResultFiles } from '#result-files';
import type { Logger } from '#telemetry';
import { MAX_LINK_MS, offerBody, type ReportLimits } from './offer-message.js';
import { messageBody, messageHeaders } from './webhook-message.js';
import type { WorkerMetrics } from './worker-metrics.js';

export interface WebhookSettings {
  /** Pauses before the second try and all that follow; after the last one a delivery is given up. */
  readonly retryMs: readonly number[];
  /** Longest wait for an answer. */
  readonly answerMs: number;
  /** For how long a delivery belongs to whoever tries it; longer than a try may take. */
  readonly leaseMs: number;
  /** Signs what goes to the callback of a job. */
  readonly callbackSecret: string | undefined;
  readonly publicUrl: string | undefined;
  /** Where remote workers reach the gateway. */
  readonly reportBase: string;
  /** What remote workers are told of their time. */
  readonly reportLimits: ReportLimits;
}

export interface WebhookSenderParts {
  readonly deliveries: WebhookDeliveryRepository;
  readonly jobs: Pick<JobRepository, 'find'>;
  readonly transcripts: Pick<TranscriptRepository, 'findByJob'>;
  readonly offers: Pick<RemoteLeaseRepository, 'openOffer'>;
  readonly objects: Pick<ObjectStore, 'presign'>;
  readonly files: Pick<ResultFiles, 'link'>;
  readonly outbound: Pick<OutboundHttp, 'post'>;
  readonly settings: WebhookSettings;
  readonly metrics: Pick<WorkerMetrics, 'webhookTried'>;
  readonly logger: Logger;
}

/** What is kept of an answer. */
const MAX_ANSWER_BYTES = 1_024;
/** The endpoint's wish is heard within reason. */
const LONGEST_RETRY_AFTER_MS = 28_800_000;
/** "I am gone for good": Standard Webhooks asks to send nothing more. */
const GONE = 410;
const NO_TARGET = 'The endpoint is disabled or has been deleted.';
const NO_OFFER = 'The offer is over; it was not sent.';

/** There is nothing to be sent, and never will be. */
class NothingToSend extends Error {
  override readonly name = 'NothingToSend';
}

/**
 * Delivers one event to one address. What is to be told stands in the database, and how each try ended is written there:
 * a crash in between repeats a message under the same id, and loses none.
 */
export class WebhookSender {
  constructor(private readonly parts: WebhookSenderParts) {}

  /** @throws PolyscribeError `dependency_unavailable` when the database is away: the delivery is due again later */
  async send(deliveryId: string, signal: AbortSignal): Promise<void> {
    const { deliveries, settings, logger } = this.parts;
    const claim = await deliveries.claim(deliveryId, settings.leaseMs);
    if (!claim) return;
    const started = Date.now();
    let outcome: TryOutcome;
    try {
      const answer = await this.post(claim, signal);
      outcome = this.judge(claim, entryOf(started, answer), answer);
    } catch (error) {
      if (signal.aborted) {
        await deliveries.giveBack(claim);
        return;
      }
      if (error instanceof NothingToSend) {
        outcome = { entry: { ...timesOf(started), error: error.message }, state: 'failed' };
      } else if (error instanceof PolyscribeError) {
        outcome = this.judge(claim, { ...timesOf(started), error: error.message });
      } else throw error;
    }
    await deliveries.settle(claim, outcome);
    this.parts.metrics.webhookTried(claim.event, outcome.state);
    const { jobId, event, endpointId, tries } = claim;
    const { status } = outcome.entry;
    logger.info({ deliveryId, endpointId, jobId, event, tries, status, state: outcome.state }, 'tried a webhook');
  }

  private async post(claim: ClaimedDelivery, signal: AbortSignal): Promise<ShortAnswer> {
    const { jobs, outbound, settings } = this.parts;
    const { target } = claim;
    const job = await jobs.find(claim.jobId);
    if (!target || !job) throw new NothingToSend(NO_TARGET);
    const body = await (claim.event === 'job.offered' ? this.offer(claim, job) : this.end(claim, job));
    const callbackSecrets = settings.callbackSecret === undefined ? [] : [settings.callbackSecret];
    const secrets = claim.endpointId === undefined ? callbackSecrets : claim.secrets;
    const message = { headers: messageHeaders(claim.id, body, secrets, new Date()), body };
    const limits = { totalMs: settings.answerMs, headMs: settings.answerMs, maxAnswerBytes: MAX_ANSWER_BYTES };
    return outbound.post(target.url, message, limits, signal);
  }

  private async end(claim: ClaimedDelivery, job: Job): Promise<Buffer> {
    const wantsText = claim.target?.payload === 'full' && claim.event === 'job.completed';
    const transcript = wantsText ? await this.parts.transcripts.findByJob(claim.jobId) : undefined;
    // The message may overtake the announcement, which is not made before the file is written.
    const fileUrl = transcript ? await this.parts.files.link(job) : undefined;
    return messageBody(claim, { job, transcript, fileUrl, publicUrl: this.parts.settings.publicUrl });
  }

  private async offer(claim: ClaimedDelivery, job: Job): Promise<Buffer> {
    const { offers, objects, settings } = this.parts;
    const offer = await offers.openOffer(claim.jobId, claim.run);
    if (!offer || !job.media) throw new NothingToSend(NO_OFFER);
    const { jobTimeoutMs } = settings.reportLimits;
    const lastsMs = Math.min(MAX_LINK_MS, Math.max(0, offer.expiresAt.getTime() - Date.now()) + jobTimeoutMs);
    const mediaUrl = await objects.presign(job.media.key, lastsMs, job.media.filename);
    const { reportBase, reportLimits } = settings;
    return offerBody(claim, { job, media: job.media, offer, mediaUrl, reportBase, limits: reportLimits });
  }

  private judge(claim: ClaimedDelivery, entry: WebhookTry, answer?: ShortAnswer): TryOutcome {
    if (answer && answer.status >= 200 && answer.status < 300) return { entry, state: 'delivered' };
    if (answer?.status === GONE) return { entry, state: 'failed', disable: 'It answered 410, which means gone.' };
    const pauseMs = this.parts.settings.retryMs[claim.roundTry - 1];
    if (pauseMs === undefined) return { entry, state: 'failed' };
    // Jitter keeps deliveries that failed together from coming back together.
    const ownMs = pauseMs * (0.9 + 0.2 * Math.random());
    return { entry, state: 'pending', afterMs: Math.max(ownMs, retryAfterMs(answer?.headers)) };
  }
}

function entryOf(started: number, { status, text }: ShortAnswer): WebhookTry {
  return { ...timesOf(started), status, ...(text === '' ? {} : { response: text }) };
}

function timesOf(started: number): { at: string; durationMs: number } {
  return { at: new Date(started).toISOString(), durationMs: Date.now() - started };
}

/** `Retry-After` in seconds or as a date; 0 without one. */
function retryAfterMs(headers: IncomingHttpHeaders | undefined): number {
  const text = headers?.['retry-after'] ?? '';
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : 0;
}
