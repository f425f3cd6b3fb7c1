import type { Comparison, TranscriptSegment } from '#contracts';
import type { JobLeaseRepository, Lane, LaneEnd, LaneFailure, Lease } from '#persistence';
import type { JobLedger } from './job-run.js';

/** The record of a job that several engines do side by side, written under its lease. */
export interface JointLedger {
  /** Takes what engines write as the text of their lanes, not of the job. */
  readonly spans: JobLedger;
  failedLanes(): Promise<(Lane & LaneFailure)[]>;
  /** @param spans all that the lane may have planned */
  failLane(lane: Lane, failure: LaneFailure, spans: readonly number[]): Promise<void>;
  /** Lets lanes that have failed be tried again. */
  revive(): Promise<void>;
  /** What engines wrote in these spans. */
  segments(spans: readonly number[]): Promise<TranscriptSegment[]>;
  /** Makes these the job's own text of a span. */
  settle(span: number, segments: readonly TranscriptSegment[]): Promise<void>;
  end(lanes: readonly LaneEnd[], comparison: Comparison): Promise<void>;
}

/** @param write runs a step as long as the lease is held */
export function leasedJointLedger(
  spans: JobLedger,
  lease: Lease,
  leases: JobLeaseRepository,
  write: <T>(step: () => Promise<T>) => Promise<T>,
): JointLedger {
  const { lanes } = leases;
  return {
    spans: {
      planSpan: (span) => spans.planSpan(span),
      settlePlans: () => spans.settlePlans(),
      startSpan: (index, by) => spans.startSpan(index, by),
      recordFailedAttempt: (attempt) => spans.recordFailedAttempt(attempt),
      commitSpan: ({ index, ...result }, settled) =>
        write(() => leases.commitSpan(lease, index, { ...result, ...settled }, 'transcript_lane_segments')),
      segmentsOf: (indexes) => write(() => lanes.segments(lease, indexes)),
    },
    failedLanes: () => write(() => lanes.failed(lease)),
    failLane: async (lane, failure, planned) => {
      // What is written afterwards would be open for ever.
      await spans.settlePlans();
      await write(() => lanes.fail(lease, lane, failure, planned));
    },
    revive: () => write(() => lanes.revive(lease)),
    segments: (indexes) => write(() => lanes.segments(lease, indexes)),
    settle: (span, segments) => write(() => lanes.settle(lease, span, segments)),
    end: (ends, comparison) => write(() => lanes.end(lease, ends, comparison)),
  };
}
