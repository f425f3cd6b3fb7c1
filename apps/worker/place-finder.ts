import { type EngineInstance, PolyscribeError } from '#contracts';
import { refusal, type Rejection, route, type RoutingDecision, type RoutingRequest } from '#routing';
import type { EngineDirectory } from './engine-directory.js';
import { helpersOnly } from './engine-mix.js';
import { chooseInstance } from './instance-choice.js';
import { interruptionOf } from './interruption.js';
import type { JobRun, SpanWork } from './job-run.js';
import { knownLengthMs, longestMs } from './open-end.js';
import type { SpanTries } from './span-tries.js';
import type { WorkerSettings } from './worker-settings.js';

/** Finds the instances that one span goes to, one after another. */
export class PlaceFinder {
  /** How long the span has waited for engines in all; the time in which one works on it does not count. */
  private waitedBeforeMs = 0;
  private waitsSince = performance.now();

  constructor(
    private readonly directory: EngineDirectory,
    private readonly settings: WorkerSettings,
    private readonly work: SpanWork,
    private readonly run: JobRun,
    private readonly tries: SpanTries,
  ) {}

  /**
   * Waits until an instance that may be tried has a place.
   *
   * @throws Interruption when the signal was aborted
   * @throws PolyscribeError `no_engine`, `engine_busy` or why nobody can serve, when nobody could for `engineWaitMs`
   */
  async find(signal: AbortSignal): Promise<EngineInstance> {
    this.waitsSince = performance.now();
    for (;;) {
      const interruption = interruptionOf(signal);
      if (interruption) throw interruption;
      const request = this.request();
      const decision = this.decide(request);
      const mayBeCalled = this.inTurn(decision);
      const chosen = this.choose(mayBeCalled);
      if (chosen) {
        this.directory.reserveLast(chosen);
        this.waitedBeforeMs = this.waitedMs;
        return chosen;
      }
      const someAreFull = decision.rejections.some((rejection) => rejection.code === 'full');
      const isHeldBack = mayBeCalled.candidates.length < decision.candidates.length;
      const roundMs = someAreFull || isHeldBack ? 0 : this.tries.nextRoundMs();
      const refused = refusal(request, decision);
      const longestMs = this.longestWaitMs(refused);
      if (this.waitedMs >= longestMs && isHeldBack) throw nobodyServes(breakersOf(decision));
      if (this.waitedMs >= longestMs) throw this.tries.lastError ?? refused ?? nobodyServes(decision.rejections);
      if (roundMs > 0) {
        await this.pause(roundMs, signal);
        this.tries.beginRound();
        continue;
      }
      const { progress } = this.run;
      progress.say(someAreFull ? 'Waiting for a free place at an engine' : 'Waiting for an engine that can serve');
      await this.directory.changed(Math.min(this.settings.fullProbeMs, longestMs), signal);
    }
  }

  /**
   * Another instance that has a place, or gets one in time; undefined where there is none. Nobody is asked whose breaker is
   * open.
   *
   * @param until by the monotonic clock
   */
  async findBesides(other: EngineInstance, until: number, signal: AbortSignal): Promise<EngineInstance | undefined> {
    const triedInstances = new Set([...this.tries.tried, other.id]);
    while (!signal.aborted) {
      const decision = this.decide({ ...this.request(), triedInstances });
      const [best] = decision.isLastResort ? [] : decision.candidates;
      if (best) return best.instance;
      const leftMs = until - performance.now();
      if (leftMs <= 0 || !decision.rejections.some(({ code }) => code === 'full')) return undefined;
      await this.directory.changed(leftMs, signal);
    }
    return undefined;
  }

  private get waitedMs(): number {
    return this.waitedBeforeMs + performance.now() - this.waitsSince;
  }

  private request(): RoutingRequest {
    const lengthMs = knownLengthMs(this.work);
    const length = lengthMs === undefined ? {} : { audioMs: lengthMs };
    return { ...this.run.routing, ...length, triedInstances: this.tries.tried };
  }

  private decide(request: RoutingRequest): RoutingDecision {
    const decision = this.withRoomFor(route(request, this.directory.snapshot(), this.settings.routing));
    if (!this.run.mixesEngines) return decision;
    const lengthMs = knownLengthMs(this.work);
    const { remainingMs } = this.run.progress;
    return helpersOnly(decision, request, lengthMs === undefined ? undefined : { lengthMs, remainingMs });
  }

  /** A span whose end is not known goes to nobody for whom it may become too long. */
  private withRoomFor(decision: RoutingDecision): RoutingDecision {
    const longest = longestMs(this.work);
    if (!this.work.open || longest === undefined) return decision;
    const takesIt = ({ instance }: RoutingDecision['candidates'][number]) =>
      (instance.description.capabilities.maxAudioMs ?? Infinity) >= longest;
    return { ...decision, candidates: decision.candidates.filter(takesIt) };
  }

  /** Those whose breaker is open take turns: who may not call one now waits, as for one that is full. */
  private inTurn(decision: RoutingDecision): RoutingDecision {
    if (!decision.isLastResort) return decision;
    return {
      ...decision,
      candidates: decision.candidates.filter(({ instance }) => this.directory.mayCallLast(instance)),
    };
  }

  private choose(decision: RoutingDecision): EngineInstance | undefined {
    const same = this.run.mixesEngines ? undefined : this.run.engine;
    // What has failed elsewhere has nothing to lose; one that was only busy will have room again.
    const lastResortAfterMs = this.tries.firstFailure === undefined ? this.settings.lastResortAfterMs : 0;
    return chooseInstance(decision, same, this.waitedMs, { ...this.settings, lastResortAfterMs }, (instance) =>
      this.directory.isFullOfOurs(instance),
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
}

/** Why the candidates of a last resort are none. */
function breakersOf({ candidates, rejections }: RoutingDecision): Pick<Rejection, 'code' | 'detail'>[] {
  const held = candidates.map(({ instance }) => {
    const { engine } = instance.description;
    return { code: 'breaker_open' as const, detail: `${engine} fails and is called only now and then.` };
  });
  return [...held, ...rejections];
}

function nobodyServes(rejections: readonly Pick<Rejection, 'code' | 'detail'>[]): PolyscribeError {
  if (rejections.some(({ code }) => code === 'full')) {
    return new PolyscribeError('engine_busy', 'Every engine that can serve this has its places taken.');
  }
  const reasons = [...new Set(rejections.map(({ detail }) => detail))].slice(0, 5).join(' ');
  const because = reasons === '' ? 'None is registered.' : reasons;
  return new PolyscribeError('no_engine', `No engine could take the work. ${because}`);
}
