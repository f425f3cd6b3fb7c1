import type { FailedAttempt, JobEventBody, MediaObject, TranscriptSegment } from '#contracts';
import type { EventBus } from '#events';
import type { JobStatuses } from '#job-status';
import type { Claim, EndParts, JobLeaseRepository } from '#persistence';
import { withDeadline } from '#timing';
import { EventPump } from './event-pump.js';
import type { JobLedger, SpanResult, SpanToPlan } from './job-run.js';
import type { Attempt } from './attempt.js';
import { leasedJointLedger } from './joint-ledger.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { ProgressReporter } from './progress-reporter.js';
import { SpanBook } from './span-book.js';
import type { Settlement } from './span-joints.js';
import type { DoneSpan } from './transcript-summary.js';

/** Words of so short a recording go out with its end, when that comes within the time for which they may linger. */
const SHORT_AUDIO_MS = 10_000;
const LINGER_MS = 25;

/** For how long a finished span may wait for the end of its job. */
const LAST_SPAN_MS = 50;

/** A finished span as it is written with the end of its job. */
export type LastSpan = NonNullable<EndParts['span']>;

export interface ClaimedAttempt extends Attempt {
  /** The job's media by now; undefined while they are not fetched. */
  media(): MediaObject | undefined;
  /**
   * Lets nothing more be told of the work, at most about `withinMs` from now.
   *
   * @returns what is to be written with a good end
   * @throws what telling or writing failed with
   */
  rest(withinMs: number): Promise<Rest>;
  /** The same where the end is none: writes what is done, as far as that can be, and drops the rest. Never throws. */
  silence(withinMs: number): Promise<void>;
}

/** What of an attempt is neither written nor told when its work is done. */
export interface Rest {
  /** To be told right before the end. */
  readonly events: readonly JobEventBody[];
  /** The last span, which is to be written with the end; its text is in the events. */
  readonly span: LastSpan | undefined;
}

/** What a claimed job writes and says, all of it only as long as its lease is held. */
export function attemptOf(
  claim: Claim,
  keeper: LeaseKeeper,
  leases: JobLeaseRepository,
  bus: Pick<EventBus, 'publish'>,
  statuses: JobStatuses,
  onFirstCall: () => void,
): ClaimedAttempt {
  const { job, lease, waitedMs } = claim;
  const events: EventPump = new EventPump(
    (batch) => {
      keeper.assertHeld();
      return bus.publish(job.id, batch);
    },
    () => (progress.expectedMs > 0 && progress.expectedMs <= SHORT_AUDIO_MS ? LINGER_MS : 0),
  );
  const ledger = new LeasedLedger(claim, keeper, leases, events, onFirstCall);
  const progress: ProgressReporter = new ProgressReporter(job.id, {
    save: async (report) => {
      await leases.reportProgress(claim.lease, report);
      await statuses.refresh(job.id);
    },
    publish: (event: JobEventBody) => events.addPatiently(event),
  });
  return {
    job,
    run: lease.attempt,
    lease,
    outageMs: waitedMs.outage,
    media: () => ledger.media,
    spans: claim.spans,
    isWhole: claim.spans.length === 0 ? undefined : claim.spans.some(({ isWhole }) => isWhole),
    done: claim.spans.flatMap((span): DoneSpan[] => {
      if (span.state !== 'done' || span.engine === undefined) return [];
      return [
        {
          ...{ index: span.index, startMs: span.startMs, endMs: span.endMs, warnings: span.warnings },
          ...{ engine: span.engine, instance: span.instance ?? '', model: span.model ?? '' },
          language: span.language ?? '',
        },
      ];
    }),
    ledger,
    joint: leasedJointLedger(ledger, lease, leases, async (step) => {
      await events.drain();
      return ledger.write(step);
    }),
    recordMedia: (media) => ledger.recordMedia(media),
    recordFacts: (facts) => ledger.write(() => leases.recordFacts(lease, facts)),
    reuse: () => ledger.write(() => leases.reuse(lease)),
    events,
    progress,
    rest: async (withinMs) => {
      await withDeadline(progress.stop(), withinMs, 'A report does not end.');
      const span = await ledger.takeLast();
      return { span, events: await events.sealWhole(withinMs) };
    },
    silence: async (withinMs) => {
      const over = () => undefined;
      await withDeadline(progress.stop(), withinMs, 'A report does not end.').catch(over);
      await withDeadline(ledger.flush(), withinMs, 'The last span is not written in time.').catch(over);
      await events.seal(withinMs);
    },
  };
}

class LeasedLedger implements JobLedger {
  media: MediaObject | undefined;
  private readonly book = new SpanBook((spans, begun) =>
    this.write(() => this.leases.planSpans(this.claim.lease, spans, begun)),
  );

  /** Spans that are planned and not done, and those that are done. */
  private readonly open: Set<number>;
  private readonly done = new Set<number>();
  private last: { readonly span: LastSpan; readonly timer: NodeJS.Timeout } | undefined;
  private writingLast: Promise<void> | undefined;

  constructor(
    private readonly claim: Claim,
    private readonly keeper: LeaseKeeper,
    private readonly leases: JobLeaseRepository,
    private readonly events: Pick<EventPump, 'drain'>,
    private readonly onFirstCall: () => void,
  ) {
    this.media = claim.job.media;
    this.open = new Set(claim.spans.filter(({ state }) => state !== 'done').map(({ index }) => index));
  }

  async recordMedia(media: MediaObject): Promise<void> {
    await this.write(() => this.leases.recordMedia(this.claim.lease, media));
    this.media = media;
  }

  planSpan(span: SpanToPlan): void {
    if (!this.done.has(span.index)) this.open.add(span.index);
    this.book.note(span);
  }

  settlePlans(): Promise<void> {
    return this.book.settle();
  }

  async startSpan(index: number, by: Parameters<JobLedger['startSpan']>[1]): Promise<void> {
    this.onFirstCall();
    await this.flush();
    await this.book.begin({ index, ...by });
  }

  async recordFailedAttempt(attempt: FailedAttempt): Promise<void> {
    await this.write(() => this.leases.recordFailedAttempt(this.claim.lease, attempt));
  }

  /**
   * The last span that is known waits for a moment for the end of the job, which can take it along in one commit. Until that
   * is written nothing is told that is not also told by a span that was cut short.
   */
  async commitSpan(result: SpanResult, { segments, neighbours, joined }: Omit<Settlement, 'final'>): Promise<void> {
    const { index, engine, instance, model, language, warnings } = result;
    const span = { index, segments, engine, instance, model, language, warnings };
    this.open.delete(index);
    this.done.add(index);
    await this.book.settle();
    await this.flush();
    if (this.open.size === 0 && neighbours.length + joined.length === 0 && !this.claim.job.options.enableDiarization) {
      const timer = setTimeout(() => void this.flush().catch(() => undefined), LAST_SPAN_MS);
      this.last = { span, timer };
      return;
    }
    await this.commit({ ...span, neighbours, joined });
  }

  /** The last span, if it is not written; whoever takes it writes it. @throws what writing it failed with */
  async takeLast(): Promise<LastSpan | undefined> {
    const { last } = this;
    this.last = undefined;
    clearTimeout(last?.timer);
    await this.writingLast;
    return last?.span;
  }

  /** Writes the last span, if it waits. @throws what that failed with, also to whoever asks later */
  async flush(): Promise<void> {
    const { last } = this;
    this.last = undefined;
    clearTimeout(last?.timer);
    if (last) this.writingLast = this.commit(last.span);
    await this.writingLast;
  }

  async segmentsOf(spans: readonly number[]): Promise<TranscriptSegment[]> {
    await this.flush();
    return this.leases.segmentsOf(this.claim.lease, spans);
  }

  /** Only once the span's text is told: what is done is not told again. */
  private async commit({ index, ...result }: LastSpan & Partial<Settlement>): Promise<void> {
    await this.events.drain();
    await this.write(() => this.leases.commitSpan(this.claim.lease, index, result));
  }

  /** The database would refuse a stale token as well; a step that only we can see is not even begun. */
  async write<T>(step: () => Promise<T>): Promise<T> {
    this.keeper.assertHeld();
    return step();
  }
}
