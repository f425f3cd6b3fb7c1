import type { EngineInstance } from '#contracts';
import { route } from '#routing';
import type { EngineDirectory } from './engine-directory.js';
import { interruptionOf } from './interruption.js';
import type { JobRun, SpanResult, SpanWork } from './job-run.js';
import type { SpanRunner } from './span-runner.js';
import type { WorkerSettings } from './worker-settings.js';

/** Makes the spans of a job, in order, as they are pulled. */
export type SpanSource = (signal: AbortSignal) => AsyncIterable<SpanWork>;

/**
 * Does the spans of a job side by side, as many as the engine has places for. The next span is cut from the audio only
 * when there is a place for it, so that memory holds a few spans and never the file.
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
    const running = new Set<Promise<void>>();
    const results: SpanResult[] = [];
    let failure: { readonly error: unknown } | undefined;
    const fail = (error: unknown) => {
      failure ??= { error };
      siblings.abort();
    };
    try {
      for await (const work of source(all)) {
        if (failure !== undefined) break;
        const task = this.spans
          .run(work, run, all)
          .then((result) => void results.push(result), fail)
          .finally(() => running.delete(task));
        running.add(task);
        while (running.size >= this.placesFor(run)) await Promise.race(running);
      }
    } catch (error) {
      fail(error);
    }
    await Promise.all(running);
    const interruption = interruptionOf(signal);
    if (interruption) throw interruption;
    if (failure !== undefined) throw failure.error;
    return results;
  }

  /** Places at the engine that serves the job or would serve it next, ours among them; at least one, to wait with. */
  private placesFor(run: JobRun): number {
    const { candidates, rejections } = route(run.routing, this.directory.snapshot(), this.settings.routing);
    const engine = run.engine ?? candidates[0]?.instance.description.engine;
    const full = rejections.filter(({ code }) => code === 'full');
    const places = [...candidates, ...full]
      .map(({ instance }) => instance)
      .filter((instance) => instance.description.engine === engine)
      .reduce((sum, instance) => sum + this.placesAt(instance), 0);
    return Math.max(1, Math.min(this.settings.spansAtOnce, places));
  }

  private placesAt(instance: EngineInstance): number {
    const free = instance.description.capabilities.maxConcurrency - instance.inFlight;
    return Math.max(0, free) + this.directory.ownCalls(instance.id);
  }
}
