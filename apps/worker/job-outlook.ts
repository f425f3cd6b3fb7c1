import { isJoint, type JobOptions, PolyscribeError, type RegistrySnapshot } from '#contracts';
import { refusal, type Rejection, route, type RoutingRequest, routingRequestOf, type RoutingSettings } from '#routing';

/** Whether a job that waits can be served now. */
export type JobOutlook =
  /** By that instance, as far as one can tell. */
  | { readonly kind: 'servable'; readonly instanceId: string }
  /** Nobody can, and why; `busy`: those who could are full, `away`: they are not up, `lacking`: nobody known ever could. */
  | { readonly kind: 'busy' | 'away' | 'lacking'; readonly error: PolyscribeError };

const MOST_REASONS = 5;

/** The most hopeful first. */
const byHope: readonly JobOutlook['kind'][] = ['servable', 'busy', 'away', 'lacking'];

/**
 * What the engines that there are mean for a job, before its audio is looked at. A job of several engines can be begun as
 * soon as one of them is free.
 */
export function outlookOf(options: JobOptions, snapshot: RegistrySnapshot, settings: RoutingSettings): JobOutlook {
  const request = routingRequestOf(options);
  const lanes = isJoint(options.engine) ? (options.engines ?? []) : [];
  const [best] = lanes
    .map((engine) => outlookFor({ ...request, engine, allowFallback: false }, snapshot, settings))
    .toSorted((one, other) => byHope.indexOf(one.kind) - byHope.indexOf(other.kind));
  return best ?? outlookFor(request, snapshot, settings);
}

/** What all jobs of a line that stands for many demands need: the engine that they ask for, and nothing of it. */
export function leastNeeds({ engine, engines, allowFallback, profile }: JobOptions): JobOptions {
  return {
    ...{ engine, allowFallback, profile, task: 'transcribe', onUnsupported: 'warn', priority: 0, tags: [] },
    ...(engines === undefined ? {} : { engines }),
    ...{ enableDiarization: false, wordTimestamps: false, separateChannels: false },
  };
}

function outlookFor(request: RoutingRequest, snapshot: RegistrySnapshot, settings: RoutingSettings): JobOutlook {
  const decision = route(request, snapshot, settings);
  const [best] = decision.candidates;
  if (best) return { kind: 'servable', instanceId: best.instance.id };
  if (decision.rejections.some(({ code }) => code === 'full')) {
    const message = 'Every engine that can serve this has had its places taken for too long.';
    return { kind: 'busy', error: new PolyscribeError('engine_busy', message) };
  }
  const error = refusal(request, decision);
  if (error?.row.retry === 'never') return { kind: 'lacking', error };
  return { kind: 'away', error: error ?? new PolyscribeError('no_engine', nobody(decision.rejections)) };
}

function nobody(rejections: readonly Rejection[]): string {
  const reasons = [...new Set(rejections.map(({ detail }) => detail))].slice(0, MOST_REASONS).join(' ');
  return `No engine could take the work. ${reasons === '' ? 'None is registered.' : reasons}`;
}
