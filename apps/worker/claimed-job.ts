import type { FailedAttempt, JobEventBody, MediaObject, TranscriptSegment } from '#contracts';
import type { EventBus } from '#events';
import type { JobStatuses } from '#job-status';
import type { Claim, JobLeaseRepository } from '#persistence';
import { withDeadline } from '#timing';
import { EventPump } from './event-pump.js';
import type { JobLedger, SpanResult, SpanToPlan } from './job-run.js';
import type { Attempt } from './attempt.js';
import { leasedJointLedger } from './joint-ledger.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { ProgressReporter } from './progress-reporter.js';
import type { Settlement } from './span-joints.js';
import type { DoneSpan } from './transcript-summary.js';

export interface ClaimedAttempt extends Attempt {
  /** The job's media by now; undefined while they are not fetched. */
  media(): MediaObject | undefined;
  /**
   * Lets nothing more be told of the work and waits for what is under way, at most about `withinMs`. Never throws.
   *
   * @returns what may be told right before the end
   */
  silence(withinMs: number): Promise<readonly JobEventBody[]>;
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
  const ledger = new LeasedLedger(claim, keeper, leases, onFirstCall);
  const events = new EventPump((batch) => {
    keeper.assertHeld();
    return bus.publish(job.id, batch);
  });
  const progress = new ProgressReporter(job.id, {
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
    joint: leasedJointLedger(ledger, lease, leases, (step) => ledger.write(step)),
    recordMedia: (media) => ledger.recordMedia(media),
    recordFacts: (facts) => ledger.write(() => leases.recordFacts(lease, facts)),
    reuse: () => ledger.write(() => leases.reuse(lease)),
    events,
    progress,
    silence: async (withinMs) => {
      await withDeadline(progress.stop(), withinMs, 'A report does not end.').catch(() => undefined);
      return events.seal(withinMs);
    },
  };
}

class LeasedLedger implements JobLedger {
  media: MediaObject | undefined;

  constructor(
    private readonly claim: Claim,
    private readonly keeper: LeaseKeeper,
    private readonly leases: JobLeaseRepository,
    private readonly onFirstCall: () => void,
  ) {
    this.media = claim.job.media;
  }

  async recordMedia(media: MediaObject): Promise<void> {
    await this.write(() => this.leases.recordMedia(this.claim.lease, media));
    this.media = media;
  }

  async planSpan(span: SpanToPlan): Promise<void> {
    await this.write(() => this.leases.planSpans(this.claim.lease, [span]));
  }

  async startSpan(index: number, by: Parameters<JobLedger['startSpan']>[1]): Promise<void> {
    this.onFirstCall();
    await this.write(() => this.leases.startSpan(this.claim.lease, index, by));
  }

  async recordFailedAttempt(attempt: FailedAttempt): Promise<void> {
    await this.write(() => this.leases.recordFailedAttempt(this.claim.lease, attempt));
  }

  async commitSpan(result: SpanResult, { segments, neighbours, joined }: Omit<Settlement, 'final'>): Promise<void> {
    const { engine, instance, model, language, warnings } = result;
    const span = { segments, neighbours, joined, engine, instance, model, language, warnings };
    await this.write(() => this.leases.commitSpan(this.claim.lease, result.index, span));
  }

  segmentsOf(spans: readonly number[]): Promise<TranscriptSegment[]> {
    return this.leases.segmentsOf(this.claim.lease, spans);
  }

  /** The database would refuse a stale token as well; a step that only we can see is not even begun. */
  async write<T>(step: () => Promise<T>): Promise<T> {
    this.keeper.assertHeld();
    return step();
  }
}
