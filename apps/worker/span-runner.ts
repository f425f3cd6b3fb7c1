import {
  type EngineEvent,
  type EngineInstance,
  PolyscribeError,
  type TranscriptSegment,
  type TranscriptWarning,
} from '#contracts';
import { refusal, type Rejection, route, type RoutingDecision, type RoutingRequest } from '#routing';
import { callEngine, type CallResult, type EngineCaller, EngineFailure } from './engine-call.js';
import type { EngineDirectory } from './engine-directory.js';
import { helpersOnly } from './engine-mix.js';
import { engineRequest } from './engine-request.js';
import { chooseInstance } from './instance-choice.js';
import { interruptionOf } from './interruption.js';
import type { JobRun, SpanResult, SpanWork } from './job-run.js';
import { toDelta, toTranscriptSegment } from './span-segments.js';
import { SpanTries } from './span-tries.js';
import type { WorkerMetrics } from './worker-metrics.js';
import type { WorkerSettings } from './worker-settings.js';

/** More segments than that for a second of audio is no speech but an engine gone wild. */
const MAX_SEGMENTS_PER_SECOND = 20;

/**
 * Does one span: finds an instance with a place, calls it, tells subscribers of each segment, commits. What fails is
 * tried again as the error table allows.
 */
export class SpanRunner {
  constructor(
    private readonly directory: EngineDirectory,
    private readonly caller: EngineCaller,
    private readonly settings: WorkerSettings,
    private readonly metrics: WorkerMetrics,
  ) {}

  /**
   * @throws Interruption when the signal was aborted
   * @throws PolyscribeError `no_engine`, `engine_busy` or why nobody can serve, when nobody could for `engineWaitMs`;
   *   otherwise the last engine's error
   */
  async run(work: SpanWork, run: JobRun, signal: AbortSignal): Promise<SpanResult> {
    const tries = new SpanTries(this.settings);
    const wait = new EngineWait();
    let begun = work.begun;
    for (;;) {
      const instance = await this.findPlace(work, run, tries, wait, signal);
      const leave = this.directory.enter(instance.id);
      try {
        const { engine } = instance.description;
        await run.ledger.startSpan(work.index, { engine, instance: instance.id });
        if (begun) await run.events.add({ type: 'void', data: { span: work.index } });
        begun = true;
        return await this.transcribe(instance, work, run, tries, signal);
      } catch (error) {
        if (!(error instanceof EngineFailure)) throw error;
        await this.note(error.error, instance, run, tries);
      } finally {
        leave();
      }
    }
  }

  private async note(error: PolyscribeError, instance: EngineInstance, run: JobRun, tries: SpanTries): Promise<void> {
    const { engine } = instance.description;
    this.metrics.spanEnded(engine, error.code);
    if (error.row.retry !== 'later') {
      await run.ledger.recordFailedAttempt({ engine, instance: instance.id, code: error.code, message: error.message });
    }
    tries.failed({ engine, instance: instance.id, error });
  }

  /** Waits until an instance that may be tried has a place. */
  private async findPlace(
    work: SpanWork,
    run: JobRun,
    tries: SpanTries,
    wait: EngineWait,
    signal: AbortSignal,
  ): Promise<EngineInstance> {
    wait.begin();
    for (;;) {
      const interruption = interruptionOf(signal);
      if (interruption) throw interruption;
      const request = requestFor(work, run, tries);
      const decision = this.decide(request, work, run);
      const same = run.mixesEngines ? undefined : run.engine;
      const chosen = chooseInstance(decision, same, wait.ms, this.settings, (instance) =>
        this.directory.isFullOfOurs(instance),
      );
      if (chosen) {
        wait.end();
        return chosen;
      }

      const someAreFull = decision.rejections.some((rejection) => rejection.code === 'full');
      const roundMs = someAreFull ? 0 : tries.nextRoundMs();
      const refused = refusal(request, decision);
      if (wait.ms >= this.longestWaitMs(refused)) {
        throw tries.lastError ?? refused ?? nobodyServes(decision.rejections);
      }
      if (roundMs > 0) {
        await this.pause(roundMs, signal);
        tries.beginRound();
        continue;
      }
      run.progress.say(someAreFull ? 'Waiting for a free place at an engine' : 'Waiting for an engine that can serve');
      await this.directory.changed(Math.min(this.settings.fullProbeMs, this.longestWaitMs(refused)), signal);
    }
  }

  private decide(request: RoutingRequest, work: SpanWork, run: JobRun): RoutingDecision {
    const decision = route(request, this.directory.snapshot(), this.settings.routing);
    if (!run.mixesEngines) return decision;
    const { remainingMs } = run.progress;
    return helpersOnly(
      decision,
      request,
      work.lengthMs === undefined ? undefined : { lengthMs: work.lengthMs, remainingMs },
    );
  }

  /** An engine that is not running may come; one that lacks what the work needs will hardly learn it. */
  private longestWaitMs(refused: PolyscribeError | undefined): number {
    const { engineWaitMs, hopelessWaitMs } = this.settings;
    return refused === undefined || refused.code === 'no_engine' ? engineWaitMs : hopelessWaitMs;
  }

  /** A pause that nothing but the signal shortens: those who failed are to have it for themselves. */
  private async pause(ms: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + ms;
    while (!signal.aborted && performance.now() < end) await this.directory.changed(end - performance.now(), signal);
  }

  private async transcribe(
    instance: EngineInstance,
    work: SpanWork,
    run: JobRun,
    tries: SpanTries,
    signal: AbortSignal,
  ): Promise<SpanResult> {
    const collected = new Collected(work, run);
    const result = await callEngine(this.caller, {
      instance,
      request: engineRequest(work, run, instance),
      audio: (callSignal) => work.audio(callSignal),
      deadlineMs: this.deadlineMs(work),
      signal,
      onEvent: (event) => {
        run.progress.engineWorks(work.index, event.type === 'progress' ? event.stage : undefined);
        return collected.take(event);
      },
    });
    await run.events.drain();
    const span = spanResult(instance, work, run, tries, result, collected.warnings);
    await run.ledger.commitSpan(span, collected.segments);
    run.engine = span.engine;
    this.metrics.spanEnded(span.engine, 'done');
    const first = tries.firstFailure?.engine ?? span.engine;
    if (first !== span.engine) this.metrics.failedOver(first, span.engine);
    run.progress.audioDone(work.index, result.audioMs);
    return span;
  }

  private deadlineMs(work: SpanWork): number {
    const { callBaseMs, callMsPerAudioMs, jobTimeoutMs } = this.settings;
    if (work.lengthMs === undefined) return jobTimeoutMs;
    return Math.min(jobTimeoutMs, callBaseMs + callMsPerAudioMs * work.lengthMs);
  }
}

/** How long a span has waited for engines in all; the time in which one works on it does not count. */
class EngineWait {
  private pastMs = 0;
  private since = performance.now();

  get ms(): number {
    return this.pastMs + performance.now() - this.since;
  }

  begin(): void {
    this.since = performance.now();
  }

  end(): void {
    this.pastMs = this.ms;
  }
}

/** Takes the events of one call. */
class Collected {
  readonly segments: TranscriptSegment[] = [];
  readonly warnings: TranscriptWarning[] = [];
  private partialAt = -Infinity;

  constructor(
    private readonly work: SpanWork,
    private readonly run: JobRun,
  ) {}

  async take(event: Exclude<EngineEvent, { type: 'summary' }>): Promise<void> {
    switch (event.type) {
      case 'progress':
        this.run.progress.audioDone(this.work.index, event.processedMs);
        return;
      case 'warning':
        if (this.warnings.length < 100) this.warnings.push(event.warning);
        return;
      case 'partial':
        await this.takePartial(event.text, event.startMs);
        return;
      case 'segment': {
        this.refuseFlood();
        const segment = toTranscriptSegment(this.work, this.segments.length, event.segment);
        this.segments.push(segment);
        await this.run.events.add(toDelta(segment));
      }
    }
  }

  /** Partials are for the eye: more than two a second only fill the log. */
  private async takePartial(text: string, startMs: number): Promise<void> {
    if (performance.now() - this.partialAt < 500) return;
    this.partialAt = performance.now();
    const t0 = (this.work.startMs + startMs) / 1000;
    await this.run.events.add({ type: 'partial', data: { span: this.work.index, text, t0 } });
  }

  private refuseFlood(): void {
    const seconds = (this.work.lengthMs ?? 86_400_000) / 1000;
    if (this.segments.length < MAX_SEGMENTS_PER_SECOND * (seconds + 5)) return;
    throw new EngineFailure(
      new PolyscribeError('engine_bad_response', 'The engine sent more segments than the audio can hold.'),
    );
  }
}

function requestFor(work: SpanWork, run: JobRun, tries: SpanTries): RoutingRequest {
  return {
    ...run.routing,
    ...(work.lengthMs === undefined ? {} : { audioMs: work.lengthMs }),
    triedInstances: tries.tried,
  };
}

function spanResult(
  instance: EngineInstance,
  work: SpanWork,
  run: JobRun,
  tries: SpanTries,
  result: CallResult,
  warnings: readonly TranscriptWarning[],
): SpanResult {
  const { engine } = instance.description;
  const reason = fallbackReason(engine, run, tries);
  return {
    index: work.index,
    engine,
    instance: instance.id,
    model: result.model,
    language: result.language,
    warnings,
    endMs: Math.round(work.startMs + result.audioMs),
    ...(reason === undefined ? {} : { fallbackReason: reason }),
  };
}

function fallbackReason(engine: string, run: JobRun, { firstFailure }: SpanTries): string | undefined {
  if (firstFailure !== undefined && firstFailure.engine !== engine) {
    const { code, message } = firstFailure.error;
    return `${engine} stood in for ${firstFailure.engine}, which failed with ${code}: ${message}`;
  }
  const named = run.routing.engine;
  if (named === 'auto' || named === engine) return undefined;
  return `${engine} stood in for ${named}, which could not take the work.`;
}

function nobodyServes(rejections: readonly Rejection[]): PolyscribeError {
  if (rejections.some(({ code }) => code === 'full')) {
    return new PolyscribeError('engine_busy', 'Every engine that can serve this has its places taken.');
  }
  const reasons = [...new Set(rejections.map(({ detail }) => detail))].slice(0, 5).join(' ');
  const because = reasons === '' ? 'None is registered.' : reasons;
  return new PolyscribeError('no_engine', `No engine could take the work. ${because}`);
}
