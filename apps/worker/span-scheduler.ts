import type { EngineInstance } from '#contracts';
import { route } from '#routing';
import type { EngineDirectory } from './engine-directory.js';
import { helpersOnly, upInstances } from './engine-mix.js';
import { interruptionOf } from './interruption.js';
import type { JobRun, SpanResult, SpanWork } from './job-run.js';
import { longestMs } from './open-end.js';
import type { SpanRunner } from './span-runner.js';
import type { WorkerSettings } from './worker-settings.js';

/** Makes the spans of a job, in order, as they are pulled. */
export type SpanSource = (signal: AbortSignal) => AsyncIterable<SpanWork>;

/**
 * Does the spans of a job side by side, as many as the engines have places for. The next span is cut from the audio only
 * when there is a place for it and memory to hold it, so that memory never holds the file.
 */
export class SpanScheduler {
  constructor(
    private readonly spans: SpanRunner,
    private readonly directory: EngineDirectory,
    private readonly settings: WorkerSettings,
  ) {}

  /** @throws what the first span that failed threw, once all others have ended */
  async run(source: SpanSource, run: JobRun, signal: AbortSignal): Promise<SpanResult[]> {
    const siblings = new AbortController();
    const all = AbortSignal.any([signal, siblings.signal]);
    const running = new RunningSpans();
    const results: SpanResult[] = [];
    let failure: { readonly error: unknown } | undefined;
    const fail = (error: unknown) => {
      failure ??= { error };
      siblings.abort();
    };
    try {
      for await (const work of source(all)) {
        if (all.aborted) break;
        const done = (result: SpanResult) => {
          results.push(result);
          work.release?.();
        };
        const task = this.spans.run(work, run, all).then(done, fail);
        running.add(work, task);
        await this.room(running, run, all);
      }
    } catch (error) {
      fail(error);
    }
    await running.allEnded();
    const interruption = interruptionOf(signal);
    if (interruption) throw interruption;
    if (failure !== undefined) throw failure.error;
    return results;
  }

  /** Resolves when one more span may be cut, or the work is broken off: to wait for a change would then be to spin. */
  private async room(running: RunningSpans, run: JobRun, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.hasRoom(running, run)) {
      await Promise.race([running.oneEnded(), this.directory.changed(this.settings.fullProbeMs, signal)]);
    }
  }

  /** Whether one more span may be cut; always so while none is in work. */
  private hasRoom(running: RunningSpans, run: JobRun): boolean {
    if (running.count === 0) return true;
    if (running.heldBytes + running.largestBytes > this.settings.heldPcmBytes) return false;
    return running.count < this.placesFor(run, running.longestMs);
  }

  /** Places at the engines that may serve the job, ours among them; 0 where none is up. */
  private placesFor(run: JobRun, audioMs: number): number {
    const request = { ...run.routing, audioMs };
    const decision = route(request, this.directory.snapshot(), this.settings.routing);
    const instances = run.mixesEngines ? upInstances(helpersOnly(decision, request)) : upInstances(decision);
    const kind = run.engine ?? decision.candidates[0]?.instance.description.engine;
    return instances
      .filter((instance) => run.mixesEngines || instance.description.engine === kind)
      .reduce((sum, instance) => sum + this.placesAt(instance), 0);
  }

  private placesAt(instance: EngineInstance): number {
    const free = instance.description.capabilities.maxConcurrency - instance.inFlight;
    return Math.max(0, free) + this.directory.ownCalls(instance.id);
  }
}

/** The spans that are in work. */
class RunningSpans {
  private readonly tasks = new Set<Promise<void>>();
  /** What their audio takes in memory. */
  heldBytes = 0;
  /** The most that one took so far, which the next may take as well. */
  largestBytes = 0;
  longestMs = 0;

  get count(): number {
    return this.tasks.size;
  }

  /** @param task never rejects */
  add(work: SpanWork, task: Promise<void>): void {
    this.heldBytes += work.heldBytes;
    this.largestBytes = Math.max(this.largestBytes, work.heldBytes);
    this.longestMs = Math.max(this.longestMs, longestMs(work) ?? 0);
    const ended = task.then(() => {
      this.heldBytes -= work.heldBytes;
      this.tasks.delete(ended);
    });
    this.tasks.add(ended);
  }

  async oneEnded(): Promise<void> {
    await Promise.race(this.tasks);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.tasks);
  }
}
