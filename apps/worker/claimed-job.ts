import type { JobEventBody, MediaObject } from '#contracts';
import type { EventBus } from '#events';
import type { JobStatuses } from '#job-status';
import type { Claim, JobLeaseRepository, LastSpan, NotedFacts } from '#persistence';
import { withDeadline } from '#timing';
import type { Attempt } from './attempt.js';
import { EventPump } from './event-pump.js';
import { leasedJointLedger } from './joint-ledger.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { LeasedLedger } from './leased-ledger.js';
import { ProgressReporter } from './progress-reporter.js';
import type { DoneSpan } from './transcript-summary.js';

/** Words of so short a recording go out with its end, when that comes within the time for which they may linger. */
const SHORT_AUDIO_MS = 10_000;
const LINGER_MS = 25;

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
  readonly facts: NotedFacts | undefined;
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
    noteFacts: (facts) => ledger.noteFacts(facts),
    reuse: () => ledger.write(() => leases.reuse(lease)),
    events,
    progress,
    rest: async (withinMs) => {
      await withDeadline(progress.stop(), withinMs, 'A report does not end.');
      const { span, facts } = await ledger.takeRest();
      return { span, facts, events: await events.sealWhole(withinMs) };
    },
    silence: async (withinMs) => {
      const over = () => undefined;
      await withDeadline(progress.stop(), withinMs, 'A report does not end.').catch(over);
      await withDeadline(ledger.flush(), withinMs, 'The last span is not written in time.').catch(over);
      await events.seal(withinMs);
    },
  };
}
