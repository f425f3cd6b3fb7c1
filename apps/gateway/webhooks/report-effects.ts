import {
  errorTable,
  type EngineKind,
  isEngineKind,
  type JobEventBody,
  toDelta,
  type TranscriptSegment,
  type TranscriptWarning,
} from '#contracts';
import type { EventBus } from '#events';
import {
  type JobLeaseRepository,
  type Lease,
  LeaseLostError,
  type ReportedOffer,
  type ReportSession,
  type ToldText,
} from '#persistence';
import { invalid } from '../submit/field-errors.js';
import type { Report, ReportOf } from './report.schema.js';
import { digestOf, readSegments } from './reported-segments.js';

/** What of a remote worker's time is bounded. */
export interface RemoteTimes {
  /** How long it may be silent. */
  readonly leaseMs: number;
  /** How long it may work in all. */
  readonly limitMs: number;
}

/** A report of the worker that has the job. */
export interface HeldReport {
  readonly session: ReportSession;
  readonly offer: ReportedOffer;
  readonly lease: Lease;
  readonly messageId: string;
}

/** Events that go out together. */
const BATCH = 500;
/** How long a job waits after a failure before it is offered again, about. */
const PAUSE_MS = 5_000;
const HIGHEST_PERCENT = 99;

/**
 * What reports do. Everything can be done twice: a gateway that dies on the way answers nothing, and the worker sends the
 * report again. Text is told before the report counts as done, under keys by which the second telling is dropped.
 */
export class ReportEffects {
  constructor(
    private readonly leases: JobLeaseRepository,
    private readonly events: Pick<EventBus, 'publish'>,
    private readonly times: RemoteTimes,
  ) {}

  /** @throws LeaseLostError when another was first */
  async take(
    session: ReportSession,
    { data }: ReportOf<'transcription.started'>,
    { endpointId, messageId }: { readonly endpointId: string; readonly messageId: string },
  ): Promise<void> {
    await session.take({ endpointId, workerId: data.worker_id }, this.times);
    await session.note({ sequence: data.sequence, messageId });
  }

  /** @throws LeaseLostError; PolyscribeError `invalid_request` for segments that cannot be */
  async apply(held: HeldReport, report: Report): Promise<void> {
    await this.renew(held);
    switch (report.type) {
      case 'transcription.started':
        // It has the job already: it only says that it is alive.
        await held.session.note({ sequence: report.data.sequence, messageId: held.messageId });
        return;
      case 'transcription.progress':
        return this.progress(held, report.data);
      case 'transcription.completed':
        return this.complete(held, report.data);
      case 'transcription.failed':
        return this.fail(held, report.data);
    }
  }

  private async renew({ lease, offer }: HeldReport): Promise<void> {
    const leftMs = Math.min(this.times.leaseMs, offer.leftMs ?? 0);
    if (leftMs <= 0 || (await this.leases.renew(lease, leftMs)) === 'lost') throw new LeaseLostError(lease);
  }

  private async progress(
    { session, offer, lease, messageId }: HeldReport,
    data: ReportOf<'transcription.progress'>['data'],
  ): Promise<void> {
    const { sequence, stage = 'transcribing', message = '' } = data;
    const place = { durationMs: offer.durationMs, from: offer.told.segments, options: session.standing.options };
    const segments = await readSegments(data.segments ?? [], place);
    const progress = Math.min(HIGHEST_PERCENT, Math.max(session.standing.progress, data.progress ?? 0));
    const status = {
      job_id: lease.jobId,
      status: 'processing' as const,
      progress: Math.floor(progress),
      stage,
      message,
    };
    await this.publish(lease, offer, sequence, [{ type: 'status', data: status }, ...segments.map(toDelta)]);
    await this.leases.reportProgress(lease, { progress, stage, message });
    const told: ToldText = {
      segments: offer.told.segments + segments.length,
      digest: digestOf(segments, offer.told.digest),
      // A report that is missing may have told something before its gateway died.
      forSure: offer.told.forSure && sequence === offer.lastSequence + 1,
    };
    await session.note({ sequence, messageId, told });
  }

  private async complete(
    { session, offer, lease, messageId }: HeldReport,
    data: ReportOf<'transcription.completed'>['data'],
  ): Promise<void> {
    const { options } = session.standing;
    const { durationMs, told } = offer;
    const segments = await readSegments(data.segments, { durationMs, from: 0, options });
    const engine = this.engineOf(session, data.engine);
    const forSure = told.forSure && data.sequence === offer.lastSequence + 1;
    await this.publish(lease, offer, data.sequence, finalEvents(segments, { ...told, forSure }));
    await this.leases.planSpans(lease, [{ index: 0, startMs: 0, endMs: durationMs, isWhole: true }]);
    await this.leases.commitSpan(lease, 0, {
      ...{ segments, engine, instance: data.worker_id, model: data.model, language: data.language },
      warnings: [...(data.warnings ?? []), ...missing(session, segments)],
    });
    await session.handOver(lease, { afterMs: 0, message: 'Finishing the transcript' });
    await session.note({ sequence: data.sequence, messageId });
  }

  private async fail(
    { session, lease, messageId }: HeldReport,
    data: ReportOf<'transcription.failed'>['data'],
  ): Promise<void> {
    const code = data.code ?? 'internal';
    const retryable = data.retryable ?? errorTable[code].retry !== 'never';
    await session.handOver(lease, {
      failure: { code, message: data.message, retryable },
      // Jitter keeps jobs that failed together from coming back together.
      afterMs: retryable ? PAUSE_MS * (0.75 + 0.5 * Math.random()) : 0,
      message: 'The remote worker failed.',
    });
    await session.note({ sequence: data.sequence, messageId });
  }

  private engineOf({ standing: { options } }: ReportSession, ran: EngineKind | undefined): EngineKind {
    const asked = isEngineKind(options.engine) ? options.engine : undefined;
    if (ran !== undefined && asked !== undefined && ran !== asked && !options.allowFallback) {
      throw invalid([{ pointer: '/data/engine', detail: `is not ${asked}, which the job asks for` }]);
    }
    return ran ?? asked ?? 'whisperx';
  }

  private async publish(lease: Lease, offer: ReportedOffer, sequence: number, events: JobEventBody[]): Promise<void> {
    for (let first = 0; first < events.length; first += BATCH) {
      const key = `report:${offer.offerId}:${String(sequence)}:${String(first / BATCH)}`;
      await this.events.publish(lease.jobId, events.slice(first, first + BATCH), { key });
    }
  }
}

/** What makes of what was told the final text: the rest of it, or all of it anew. */
function finalEvents(segments: readonly TranscriptSegment[], told: ToldText): JobEventBody[] {
  const isBeginning = told.forSure && digestOf(segments.slice(0, told.segments)) === told.digest;
  if (isBeginning) return segments.slice(told.segments).map(toDelta);
  return [{ type: 'void', data: { span: 0 } }, ...segments.map(toDelta)];
}

/** What was asked for and did not come. */
function missing(
  { standing: { options } }: ReportSession,
  segments: readonly TranscriptSegment[],
): TranscriptWarning[] {
  const has = (is: (segment: TranscriptSegment) => boolean) => segments.length === 0 || segments.some(is);
  const warnings: TranscriptWarning[] = [];
  if (options.wordTimestamps && !has(({ words }) => words !== undefined)) {
    warnings.push({ code: 'no_words', message: 'The remote worker gave no times for words.' });
  }
  if (options.enableDiarization && !has(({ speakerTag }) => speakerTag !== undefined)) {
    warnings.push({ code: 'no_speakers', message: 'The remote worker did not tell speakers apart.' });
  }
  return warnings;
}
