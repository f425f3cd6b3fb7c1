import { type EngineKind, type JobEventBody, PolyscribeError } from '#contracts';
import type { Lane, LaneFailure } from '#persistence';
import { routingRequestOf } from '#routing';
import { interruptionOf } from './interruption.js';
import type { JobEventSink, JobRun, SpanToPlan } from './job-run.js';
import type { Attempt } from './attempt.js';
import { jobIndex, type LanePlace, laneSpans, ownIndex, plannedFor } from './joint-lanes.js';
import type { JointSummary, LaneOutcome } from './joint-summary.js';
import type { MediaPlan } from './media-spans.js';
import { tellOpenSpans } from './open-overlaps.js';
import type { SpanScheduler } from './span-scheduler.js';
import type { TranscriptSummary } from './transcript-summary.js';

/** What the lanes of a job have in common. */
export type JointPlan = Omit<MediaPlan, 'planned' | 'onSpan'>;

/** An attempt at a job as one of its lanes sees it. */
interface LaneAttempt extends Attempt {
  readonly engine: EngineKind;
  readonly place: LanePlace;
  /** Says how long the recording is at least. */
  expect(lengthMs: number): void;
}

/** Has several engines do one recording side by side, each for itself, and joins what they wrote. */
export class JointRunner {
  constructor(
    private readonly scheduler: SpanScheduler,
    private readonly summary: JointSummary,
  ) {}

  /**
   * An engine that fails ends its lane alone: no other engine does its work, and the job goes on with those that are left.
   *
   * @throws Interruption when the signal was aborted
   * @throws PolyscribeError what the first engine failed with when all did; `engine_busy` when an engine was full for too
   *   long, once the others are done; what reading the recording failed with
   */
  async transcribe(
    attempt: Attempt,
    plan: JointPlan,
    durationMs: number | undefined,
    signal: AbortSignal,
  ): Promise<LaneOutcome[]> {
    const engines = attempt.job.options.engines ?? [];
    let failed = await attempt.joint.failedLanes();
    if (failed.length >= engines.length) {
      // All of them failed before, and the job was let run again: so may they.
      await attempt.joint.revive();
      failed = [];
    }
    const channels = plan.channels?.length ?? 1;
    const passes = (engines.length - failed.length) * channels;
    const expect = (lengthMs: number) => attempt.progress.expectAudio(lengthMs * passes);
    expect(durationMs ?? 0);
    const siblings = new AbortController();
    const all = AbortSignal.any([signal, siblings.signal]);
    const running = engines.map(async (engine, lane): Promise<LaneOutcome> => {
      const before = failed.find((failure) => failure.lane === lane);
      if (before) return failedBefore(before);
      try {
        const place = { lane, lanes: engines.length, channels };
        return await this.lane({ ...attempt, engine, place, expect }, plan, all);
      } catch (error) {
        siblings.abort();
        throw error;
      }
    });
    const outcomes = await Promise.allSettled(running);
    const interruption = interruptionOf(signal);
    if (interruption) throw interruption;
    return this.judged(outcomes);
  }

  /** What is said of the transcript as a whole, once the lanes' texts are joined. */
  async finish(
    attempt: Attempt,
    outcomes: readonly LaneOutcome[],
    channels: number,
    warnings: TranscriptSummary['warnings'],
    signal: AbortSignal,
  ): Promise<TranscriptSummary> {
    return this.summary.make(attempt, outcomes, channels, warnings, signal);
  }

  private judged(outcomes: readonly PromiseSettledResult<LaneOutcome>[]): LaneOutcome[] {
    const broken = outcomes.find((outcome) => outcome.status === 'rejected' && !isInterruption(outcome.reason));
    const stopped = broken ?? outcomes.find((outcome) => outcome.status === 'rejected');
    if (stopped?.status === 'rejected') throw stopped.reason;
    const lanes = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const waiting = lanes.find(({ failure }) => failure && isOnlyBusy(failure));
    if (waiting?.failure) throw waiting.failure;
    const [first] = lanes.flatMap(({ failure }) => failure ?? []);
    if (first && lanes.every(({ failure }) => failure !== undefined)) throw first;
    return lanes;
  }

  private async lane(attempt: LaneAttempt, plan: JointPlan, signal: AbortSignal): Promise<LaneOutcome> {
    const { engine, place } = attempt;
    const { lane } = place;
    const isOwn = ({ index }: { readonly index: number }) => ownIndex(index, place) !== undefined;
    const before = attempt.done.filter(isOwn);
    const planned = plannedFor(attempt.spans, place).map((span) => ({ ...span, index: jobIndex(span.index, place) }));
    const startMs = new Map(planned.map((span) => [span.index, span.startMs]));
    const overlapping = new Set(planned.filter(overlaps).map(({ index }) => index));
    const ownPlan: MediaPlan = {
      ...plan,
      planned: attempt.spans,
      onSpan: (span) => {
        startMs.set(span.index, span.startMs);
        if (overlaps(span)) overlapping.add(span.index);
        attempt.expect(span.endMs);
        attempt.ledger.planSpan(planOf(span, plan));
      },
    };
    try {
      const run = await laneRun({ ...attempt, spans: attempt.spans.filter(isOwn) });
      const results = await this.scheduler.run((stop) => laneSpans(ownPlan, place, stop), run, signal);
      const done = results.map((result) => ({ ...result, startMs: startMs.get(result.index) ?? 0 }));
      return { lane, engine, done: [...before, ...done], overlapping };
    } catch (error) {
      if (!isOfEngine(error) || signal.aborted) throw error;
      if (!isOnlyBusy(error)) {
        const { code, message } = error;
        await attempt.joint.failLane({ lane, engine }, { code, message }, [...startMs.keys()]);
      }
      return { lane, engine, done: [], overlapping, failure: error };
    }
  }
}

function planOf(span: Parameters<MediaPlan['onSpan']>[0], plan: JointPlan): SpanToPlan {
  return { ...span, isWhole: plan.whole };
}

/** What the lane's engine is asked for: the same as in any job that names it. */
async function laneRun({ job, joint, spans, events, progress, engine, place }: LaneAttempt): Promise<JobRun> {
  const told = withEngine(events, engine);
  const ledger = joint.spans;
  return {
    ...{ job, progress, engine, ledger, mixesEngines: false, events: told },
    joints: await tellOpenSpans({ spans, ledger, events: told }, place.lanes * place.channels),
    routing: { ...routingRequestOf(job.options), engine, allowFallback: false },
  };
}

function overlaps({ leadMs = 0 }: { readonly leadMs?: number }): boolean {
  return leadMs > 0;
}

function failedBefore({ lane, engine, code, message }: Lane & LaneFailure): LaneOutcome {
  return { lane, engine, done: [], overlapping: new Set(), failure: new PolyscribeError(code, message) };
}

/** Subscribers see whose text it is. */
function withEngine(events: JobEventSink, engine: EngineKind): JobEventSink {
  const named = (event: JobEventBody): JobEventBody =>
    event.type === 'delta' ? { ...event, data: { ...event.data, engine } } : event;
  return { add: (event) => events.add(named(event)), drain: () => events.drain() };
}

/** What says nothing of the engine: the recording, a part of the mesh that is away, a cancel. */
const notOfEngine: readonly string[] = ['unsupported_media', 'dependency_unavailable', 'cancelled', 'not_found'];

function isOfEngine(error: unknown): error is PolyscribeError {
  return error instanceof PolyscribeError && !notOfEngine.includes(error.code);
}

/** A full engine has not failed: the job waits for it as any job would, and keeps what the others did. */
function isOnlyBusy(error: PolyscribeError): boolean {
  return error.row.retry === 'later';
}

function isInterruption(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
