import { setTimeout as delay } from 'node:timers/promises';
import { hearsSpeech } from '#audio';
import {
  type EngineInstance,
  type PolyscribeError,
  toDelta,
  type TranscriptSegment,
  type TranscriptWarning,
} from '#contracts';
import { type EngineCaller, EngineFailure } from './engine-call.js';
import type { EngineDirectory } from './engine-directory.js';
import { firstToSucceed, hedgeAfterMs } from './hedge.js';
import type { JobRun, SpanResult, SpanWork } from './job-run.js';
import { extentOf, withEnd } from './open-end.js';
import { PlaceFinder } from './place-finder.js';
import { callForSpan, type Heard } from './span-call.js';
import { heardFromMs } from './span-segments.js';
import { SpanTries } from './span-tries.js';
import type { WorkerMetrics } from './worker-metrics.js';
import type { WorkerSettings } from './worker-settings.js';

/** One span on its way through engines. */
interface SpanJourney {
  readonly work: SpanWork;
  readonly run: JobRun;
  readonly tries: SpanTries;
  readonly places: PlaceFinder;
  readonly signal: AbortSignal;
  /** Whether subscribers may have been told of the span. */
  begun: boolean;
}

/**
 * Does one span: finds an instance with a place, calls it, tells subscribers of each segment, commits. What fails is
 * tried again as the error table allows, and what comes back empty though somebody speaks is tried once elsewhere.
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
    const places = new PlaceFinder(this.directory, this.settings, work, run, tries);
    const journey: SpanJourney = { work, run, tries, places, signal, begun: work.begun };
    for (;;) {
      const instance = await places.find(signal);
      try {
        const heard = await this.callHedged(instance, journey);
        return await this.commit(await this.orSecondOpinion(heard, journey), journey);
      } catch (error) {
        if (!(error instanceof EngineFailure)) throw error;
        await this.note(error.error, instance, run);
        tries.failed({ engine: instance.description.engine, instance: instance.id, error: error.error });
      }
    }
  }

  /** Asks a second instance as well where that is wanted and the first is slower than it mostly is. */
  private async callHedged(instance: EngineInstance, journey: SpanJourney): Promise<Heard> {
    const { work, run, places } = journey;
    const afterMs = this.settings.hedge ? hedgeAfterMs(instance, work, run) : undefined;
    if (afterMs === undefined) return this.call(instance, journey);
    const [stopFirst, stopSecond] = [new AbortController(), new AbortController()];
    const until = (stop: AbortController) => AbortSignal.any([journey.signal, stop.signal]);
    const ended = new AbortController();
    const first = this.call(instance, { ...journey, signal: until(stopFirst) }).finally(() => ended.abort());
    journey.begun = true;
    const isSlow = await Promise.race([
      first.then(isFalse, isFalse),
      delay(afterMs, true, { signal: ended.signal }).catch(isFalse),
    ]);
    const other = isSlow ? await places.findBesides(instance, performance.now(), journey.signal) : undefined;
    if (!other) return first;
    const second = this.callUntold(other, { ...journey, signal: until(stopSecond) });
    const calls = { first, second, stopFirst: () => stopFirst.abort(), stopSecond: () => stopSecond.abort() };
    const won = await firstToSucceed(calls);
    const [by, loser] = won.by === 'second' ? [instance, first] : [other, second];
    await this.noteLoser(await failureOf(loser), by, won.by === 'first', journey);
    if (won.by === 'neither') return first;
    if (won.by === 'second') await this.tellInstead(won.value, journey);
    return won.value;
  }

  /** Writes down what the call failed with that did not win; one that was only broken off has not failed. */
  private async noteLoser(
    error: PolyscribeError | undefined,
    instance: EngineInstance,
    wasAsSecond: boolean,
    { run, tries }: SpanJourney,
  ): Promise<void> {
    const { engine } = instance.description;
    if (error) await this.note(error, instance, run);
    // What went wrong with the second is no reason for what the first has done.
    if (wasAsSecond) return;
    if (error) tries.note({ engine, instance: instance.id, error });
    else tries.outrun(engine);
  }

  /** A call of which nobody is told before it has won. */
  private async callUntold(instance: EngineInstance, { work, run, signal }: SpanJourney): Promise<Heard> {
    const leave = this.directory.enter(instance.id);
    try {
      return await callForSpan(this.caller, { instance, work, run, signal }, this.settings);
    } finally {
      leave();
    }
  }

  /** Takes back what the slower call said and tells of what the quicker one heard. */
  private async tellInstead(heard: Heard, { work, run }: SpanJourney): Promise<void> {
    await run.events.add({ type: 'void', data: { span: work.index } });
    for (const segment of heard.segments) {
      if (run.joints.isFinal(extentOf(work), segment)) await run.events.add(toDelta(segment));
    }
  }

  private async call(instance: EngineInstance, journey: SpanJourney): Promise<Heard> {
    const { work, run, signal } = journey;
    const leave = this.directory.enter(instance.id);
    try {
      await run.ledger.startSpan(work.index, { engine: instance.description.engine, instance: instance.id });
      if (journey.begun) await run.events.add({ type: 'void', data: { span: work.index } });
      journey.begun = true;
      const tell = async (segment: TranscriptSegment) => {
        if (run.joints.isFinal(extentOf(work), segment)) await run.events.add(toDelta(segment));
      };
      return await callForSpan(this.caller, { instance, work, run, signal, tell }, this.settings);
    } finally {
      leave();
    }
  }

  /**
   * Asks another instance where one heard nothing though somebody speaks. Its text is taken if it has any; a failure of it
   * is noted and otherwise changes nothing.
   */
  private async orSecondOpinion(first: Heard, journey: SpanJourney): Promise<Heard> {
    const { work, run, places, signal } = journey;
    if (first.segments.length > 0 || !(await hearsSpeech(work.audio(signal)))) return first;
    const doubted = { ...first, warnings: [...first.warnings, emptyText(first.instance)] };
    const until = performance.now() + this.settings.engineWaitMs;
    for (;;) {
      const other = await places.findBesides(first.instance, until, signal);
      if (!other) return doubted;
      try {
        const second = await this.call(other, journey);
        if (second.segments.length === 0) return doubted;
        journey.tries.doubted(first.instance.description.engine);
        return { ...second, warnings: [...second.warnings, emptyText(first.instance)] };
      } catch (error) {
        if (!(error instanceof EngineFailure)) throw error;
        await this.note(error.error, other, run);
        // What the other one said before it failed does not count.
        await run.events.add({ type: 'void', data: { span: work.index } });
        if (error.error.row.retry !== 'later' || performance.now() >= until) return doubted;
        // It was full after all.
        await this.directory.changed(this.settings.fullProbeMs, signal);
      }
    }
  }

  private async note(error: PolyscribeError, instance: EngineInstance, run: JobRun): Promise<void> {
    const { engine } = instance.description;
    this.metrics.spanEnded(engine, error.code);
    if (error.row.retry === 'later') return;
    await run.ledger.recordFailedAttempt({ engine, instance: instance.id, code: error.code, message: error.message });
  }

  private async commit(heard: Heard, { work: begun, run, tries }: SpanJourney): Promise<SpanResult> {
    const work = await withEnd(begun);
    const span = spanResult(heard, work, run, tries);
    await run.joints.settle(extentOf(work), heard.segments, async ({ final, ...settled }) => {
      for (const segment of final) await run.events.add(toDelta(segment));
      await run.ledger.commitSpan(span, settled);
    });
    run.engine = span.engine;
    this.metrics.spanEnded(span.engine, 'done');
    const first = tries.meant ?? span.engine;
    if (first !== span.engine) this.metrics.failedOver(first, span.engine);
    run.progress.audioDone(work.index, heard.result.audioMs);
    return span;
  }
}

function spanResult(heard: Heard, work: SpanWork, run: JobRun, tries: SpanTries): SpanResult {
  const { instance, result, warnings } = heard;
  const { engine } = instance.description;
  const reason = tries.fallbackReason(engine, run.routing.engine);
  return {
    index: work.index,
    engine,
    instance: instance.id,
    model: result.model,
    language: result.language,
    warnings,
    endMs: endOf(work, result.audioMs),
    ...(reason === undefined ? {} : { fallbackReason: reason }),
  };
}

/** Where a span's own audio ends: the last one by what was heard, for a plan may have promised more. */
function endOf(work: SpanWork, audioMs: number): number {
  const heardToMs = Math.round(heardFromMs(work) + audioMs);
  return (work.tailMs ?? 0) > 0 && work.endMs !== undefined ? Math.min(work.endMs, heardToMs) : heardToMs;
}

/** What the engine failed with in a call that has ended; undefined where it did not fail. */
async function failureOf(call: Promise<Heard>): Promise<PolyscribeError | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => (error instanceof EngineFailure ? error.error : undefined),
  );
}

function isFalse(): false {
  return false;
}

function emptyText({ description: { engine } }: EngineInstance): TranscriptWarning {
  return { code: 'empty_text', message: `${engine} gave no text for a part in which somebody seems to speak.` };
}
