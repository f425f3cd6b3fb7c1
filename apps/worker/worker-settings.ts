import type { Config } from '#config';
import type { RoutingSettings } from '#routing';
import type { CallDeadlines } from './call-deadline.js';
import { hostAndPort } from '#grpc';
import type { WebhookSettings } from './webhook-sender.js';

/** Bounds of pauses that double. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** How a worker behaves in time. Milliseconds throughout. */
export interface WorkerSettings extends CallDeadlines {
  /** Jobs at once. */
  readonly maxConcurrency: number;
  /** How long a job belongs to a worker that is not heard of. */
  readonly leaseMs: number;
  /** How often the lease is renewed; a cancel is noticed as quickly. */
  readonly renewEveryMs: number;
  /** What running jobs get to finish in when the worker stops. */
  readonly graceMs: number;
  /** How long aborted work may take to end before the worker goes on without it. */
  readonly settleMs: number;
  /** How long a job keeps its place while no engine can take it; then it goes back to the queue. */
  readonly engineWaitMs: number;
  /** The same while nobody who is known could ever take it, but for an adapter that is just being restarted. */
  readonly hopelessWaitMs: number;
  /** How long such a job stays away. */
  readonly engineWaitPauseMs: number;
  /** How often a worker whose free places wait for an engine looks for jobs that came meanwhile. */
  readonly lookAgainMs: number;
  /** How long a place at an engine is kept for a job that was taken and has not called it. */
  readonly keepPlaceMs: number;
  /** How long a job may wait, in line or put back, because every engine that could serve is full. */
  readonly busyWaitMs: number;
  /** How long spans of one transcript wait for a place at the engine they began with before they go to another. */
  readonly sameEngineWaitMs: number;
  /** Longest pause before a full engine is asked again, in case the registry's figure is old. */
  readonly fullProbeMs: number;
  /** How long a span waits for a breaker to close before it goes to an instance behind one for want of any other. */
  readonly lastResortAfterMs: number;
  /** Pauses of this worker between calls to one instance behind an open breaker. */
  readonly lastResortPause: BackoffLimits;
  /** By what engines are chosen. */
  readonly routing: RoutingSettings;
  /** Whether a second instance is asked for short files when the first is slower than it mostly is. */
  readonly hedge: boolean;
  /** Decoded audio of one job that is held in memory for its spans in work, in bytes; one span is always let in. */
  readonly heldPcmBytes: number;
  /** How often a span is tried within one attempt while engines are unavailable. */
  readonly unavailableTries: number;
  /** Pauses between such tries. */
  readonly retry: BackoffLimits;
  /** Pauses before a job that failed is taken up again. */
  readonly jobRetry: BackoffLimits;
  /** How often the reconciler looks for work without a queue entry and ends without an announcement. */
  readonly reconcileEveryMs: number;
  /** Up to how long it pauses while there is nothing to mend. */
  readonly reconcileIdleMs: number;
  /** How long work has to be due before it counts as lost: a gateway may just be putting it in. */
  readonly unqueuedAfterMs: number;
  /** How often media that nobody needs are removed, by one worker of the mesh. */
  readonly sweepEveryMs: number;
  /** How long the media of a job are kept after its end. */
  readonly mediaTtlMs: number;
  /** How old an object without a job must be to be removed. */
  readonly orphanAgeMs: number;
  /** How often expired event logs and the leftovers of crashes are removed, and how old the former are then. */
  readonly expireEveryMs: number;
  readonly eventTtlMs: number;
  /** Jobs that workers elsewhere do. */
  readonly remote: {
    /** How often what is due is looked for. */
    readonly everyMs: number;
    /** How long an offer stands. */
    readonly offerMs: number;
  };
  readonly webhooks: WebhookSettings & {
    /** How often what is due is looked for. */
    readonly everyMs: number;
  };
}

const HOUR_MS = 3_600_000;
/** Longer than any upload takes from its last byte to its row, whatever the clocks say. */
const SAFE_ORPHAN_AGE_MS = 6 * HOUR_MS;

export function workerSettings(config: Config): WorkerSettings {
  const { mediaTtlMs } = config.limits;
  return {
    maxConcurrency: config.worker.maxConcurrency,
    jobTimeoutMs: config.limits.jobTimeoutMs,
    leaseMs: 10_000,
    renewEveryMs: 1_000,
    graceMs: 10_000,
    settleMs: 5_000,
    engineWaitMs: 60_000,
    engineWaitPauseMs: 15_000,
    lookAgainMs: 1_000,
    keepPlaceMs: 10_000,
    busyWaitMs: 86_400_000,
    sameEngineWaitMs: 10_000,
    fullProbeMs: 1_000,
    lastResortAfterMs: 10_000,
    lastResortPause: { firstMs: 5_000, maxMs: 60_000 },
    routing: config.routing,
    hedge: config.worker.hedge,
    heldPcmBytes: config.worker.spanMemoryBytes,
    // An adapter that was restarted registers within that time.
    hopelessWaitMs: 5_000,
    // Real engines run many times faster than real time; a slow CPU without any room ends within four times the length.
    callBaseMs: 120_000,
    callMsPerAudioMs: 4,
    // Above what loading a model takes.
    callFloorMs: 60_000,
    unavailableTries: 5,
    retry: { firstMs: 500, maxMs: 15_000 },
    jobRetry: { firstMs: 5_000, maxMs: 300_000 },
    reconcileEveryMs: 5_000,
    reconcileIdleMs: 20_000,
    unqueuedAfterMs: 10_000,
    sweepEveryMs: Math.min(HOUR_MS, Math.max(60_000, mediaTtlMs)),
    mediaTtlMs,
    orphanAgeMs: Math.max(SAFE_ORPHAN_AGE_MS, mediaTtlMs),
    expireEveryMs: HOUR_MS,
    eventTtlMs: config.jobTtlMs,
    remote: { everyMs: 1_000, offerMs: config.remoteWorkers.offerMs },
    webhooks: {
      everyMs: 2_000,
      // Ten tries over a day.
      retryMs: [5, 60, 300, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800].map((seconds) => seconds * 1000),
      answerMs: 20_000,
      leaseMs: 60_000,
      callbackSecret: config.webhooks.secret,
      publicUrl: config.http.publicUrl,
      reportBase: config.http.publicUrl ?? `http://${hostAndPort(config.http.host, config.http.port)}`,
      reportLimits: { leaseMs: config.remoteWorkers.leaseMs, jobTimeoutMs: config.limits.jobTimeoutMs },
    },
  };
}
