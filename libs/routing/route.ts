import type { EngineInstance, RegistrySnapshot } from '#contracts';
import { type Candidate, rankCandidates } from './ranking.js';
import { firstLack, type LackCode } from './requirements.js';
import { defaultRouting, policyFor, type RoutingPolicy, type RoutingSettings } from './routing-policy.js';
import type { RoutingRequest } from './routing-request.js';

/** Why an instance was passed over for now though it has what the request needs. */
export type SetbackCode = 'not_serving' | 'tried' | 'breaker_open' | 'full';

/** Why an instance was passed over. */
export interface Rejection {
  readonly instance: EngineInstance;
  readonly code: LackCode | SetbackCode;
  /** A sentence for people. */
  readonly detail: string;
  /** It lacks what the request needs; otherwise its health or load is in the way and may change. */
  readonly permanent: boolean;
}

export interface RoutingDecision {
  /** What the candidates are ordered by. */
  readonly policy: RoutingPolicy;
  /** Instances that can take the work now, best first. */
  readonly candidates: readonly Candidate[];
  /** Every other instance of the snapshot with its reason. */
  readonly rejections: readonly Rejection[];
  /** The breaker of every candidate is open: they are the least bad, for there is nobody else who could serve. */
  readonly isLastResort: boolean;
}

/**
 * Chooses who serves a request. Pure: the same request, snapshot and settings give the same answer.
 *
 * What an instance must have comes first (engine, language, model, features, length), then whether it is up, trusted and
 * has room. The rest are ordered by: the engine that was named, the most wishes met (features under `warn`, language
 * detection where no language is named), engines that have not failed this work, the policy, id.
 *
 * A breaker is a guess from the past. Where it bars everybody who could serve, the guess must not bar the work: those
 * whose breaker is open become the candidates, as far as the request lets them serve at all. One that is merely full is
 * waited for instead.
 */
export function route(
  request: RoutingRequest,
  snapshot: RegistrySnapshot,
  settings: RoutingSettings = defaultRouting,
): RoutingDecision {
  const judged = snapshot.instances.map((instance) => ({ instance, rejection: rejectionOf(request, instance) }));
  const free = judged.filter(({ rejection }) => rejection === undefined);
  const barred = judged.filter(({ instance, rejection }) => rejection?.code === 'breaker_open' && !isFull(instance));
  const someAreFull = judged.some(({ rejection }) => rejection?.code === 'full');
  const isLastResort = free.length === 0 && barred.length > 0 && !someAreFull;
  const chosen = isLastResort ? barred : free;

  const policy = policyFor(request, settings.rules);
  const triedEngines = enginesTried(request, snapshot);
  const ranking = { request, policy, settings, triedEngines, isLastResort };
  return {
    policy,
    candidates: rankCandidates(
      chosen.map(({ instance }) => instance),
      ranking,
    ),
    rejections: judged.flatMap((one) => (one.rejection && !chosen.includes(one) ? [one.rejection] : [])),
    isLastResort,
  };
}

function rejectionOf(request: RoutingRequest, instance: EngineInstance): Rejection | undefined {
  const { engine, capabilities, health } = instance.description;
  const lack = firstLack(request, engine, capabilities);
  if (lack) return { instance, ...lack, permanent: true };
  if (health.state !== 'serving') {
    const detail = sentence(`${engine} is ${health.state}`, health.reason);
    return { instance, code: 'not_serving', detail, permanent: false };
  }
  if (request.triedInstances?.has(instance.id) === true) {
    return { instance, code: 'tried', detail: `${engine} has just failed this work.`, permanent: false };
  }
  if (instance.breaker.state !== 'closed') return breakerRejection(instance);
  if (isFull(instance)) {
    const detail = `${engine} has all of its ${capabilities.maxConcurrency} places taken.`;
    return { instance, code: 'full', detail, permanent: false };
  }
  return undefined;
}

function breakerRejection(instance: EngineInstance): Rejection {
  const { breaker, description } = instance;
  const state = breaker.state === 'half_open' ? 'is being probed' : 'is not called for a while';
  const detail = sentence(`${description.engine} ${state}`, breaker.reason);
  return { instance, code: 'breaker_open', detail, permanent: false };
}

/** With one full stop, whether or not the reason brings its own. */
function sentence(what: string, reason: string): string {
  const text = reason === '' ? what : `${what}: ${reason}`;
  return text.endsWith('.') ? text : `${text}.`;
}

function isFull({ inFlight, description }: EngineInstance): boolean {
  return inFlight >= description.capabilities.maxConcurrency;
}

function enginesTried(request: RoutingRequest, snapshot: RegistrySnapshot): ReadonlySet<string> {
  const tried = snapshot.instances.filter((instance) => request.triedInstances?.has(instance.id) === true);
  return new Set(tried.map((instance) => instance.description.engine));
}
