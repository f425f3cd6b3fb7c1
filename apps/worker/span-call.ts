import {
  type EngineEvent,
  type EngineInstance,
  PolyscribeError,
  type TranscriptSegment,
  type TranscriptWarning,
} from '#contracts';
import { type CallDeadlines, callDeadlineMs } from './call-deadline.js';
import { callEngine, type CallResult, type EngineCaller, EngineFailure } from './engine-call.js';
import { engineRequest } from './engine-request.js';
import type { JobRun, SpanWork } from './job-run.js';
import { longestMs, withEndFor } from './open-end.js';
import { heardFromMs, toTranscriptSegment } from './span-segments.js';

/** More segments than that for a second of audio is no speech but an engine gone wild. */
const MAX_SEGMENTS_PER_SECOND = 20;
const MAX_WARNINGS = 100;
/** Partials are for the eye: more than two a second only fill the log. */
const PARTIAL_EVERY_MS = 500;

/** What one engine made of a span. */
export interface Heard {
  readonly instance: EngineInstance;
  readonly result: CallResult;
  readonly segments: readonly TranscriptSegment[];
  readonly warnings: readonly TranscriptWarning[];
}

export interface SpanCall {
  readonly instance: EngineInstance;
  readonly work: SpanWork;
  readonly run: JobRun;
  readonly signal: AbortSignal;
  /** Told of each segment as it comes; undefined for a call of which nobody is told before it has ended. */
  readonly tell?: (segment: TranscriptSegment) => Promise<void>;
}

/** Has one engine transcribe a span. @throws what `callEngine` throws */
export async function callForSpan(caller: EngineCaller, call: SpanCall, limits: CallDeadlines): Promise<Heard> {
  const { instance, work, run, signal } = call;
  const collected = new Collected(call);
  const result = await callEngine(caller, {
    instance,
    request: engineRequest(work, run, instance),
    audio: (callSignal) => work.audio(callSignal),
    deadlineMs: callDeadlineMs(instance, longestMs(work), limits),
    signal,
    onEvent: (event) => collected.take(event),
  });
  return { instance, result, segments: collected.segments, warnings: collected.warnings };
}

/** Takes the events of one call. */
class Collected {
  readonly segments: TranscriptSegment[] = [];
  readonly warnings: TranscriptWarning[] = [];
  private partialAt = -Infinity;

  constructor(private readonly call: SpanCall) {}

  async take(event: Exclude<EngineEvent, { type: 'summary' }>): Promise<void> {
    const { work, run, tell } = this.call;
    run.progress.engineWorks(work.index, event.type === 'progress' ? event.stage : undefined);
    switch (event.type) {
      case 'progress':
        run.progress.audioDone(work.index, event.processedMs);
        return;
      case 'warning':
        if (this.warnings.length < MAX_WARNINGS) this.warnings.push(event.warning);
        return;
      case 'partial':
        if (tell) await this.takePartial(event.text, event.startMs);
        return;
      case 'segment': {
        this.refuseFlood();
        const place = await withEndFor(work, event.segment);
        const segment = toTranscriptSegment(place, this.segments.length, event.segment);
        this.segments.push(segment);
        await tell?.(segment);
      }
    }
  }

  private async takePartial(text: string, startMs: number): Promise<void> {
    if (performance.now() - this.partialAt < PARTIAL_EVERY_MS) return;
    this.partialAt = performance.now();
    const { work, run } = this.call;
    const t0 = (heardFromMs(work) + startMs) / 1000;
    await run.events.add({ type: 'partial', data: { span: work.index, text, t0 } });
  }

  private refuseFlood(): void {
    const seconds = (longestMs(this.call.work) ?? 86_400_000) / 1000;
    if (this.segments.length < MAX_SEGMENTS_PER_SECOND * (seconds + 5)) return;
    throw new EngineFailure(
      new PolyscribeError('engine_bad_response', 'The engine sent more segments than the audio can hold.'),
    );
  }
}
