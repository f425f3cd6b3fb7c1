import type { EngineInstance, RegistrySnapshot } from '#contracts';
import { countUnmetWishes, firstLack, type LackCode } from './requirements.js';
import { defaultPolicy, type RoutingPolicy, type RoutingRequest } from './routing-request.js';

/** Why an instance was passed over for now though it has what the request needs. */
export type SetbackCode = 'not_serving' | 'tried' | 'full';

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
  /** Instances that can take the work now, best first. */
  readonly candidates: readonly EngineInstance[];
  /** Every other instance of the snapshot with its reason. */
  readonly rejections: readonly Rejection[];
}

/**
 * Chooses who serves a request. Pure: the same request and snapshot give the same answer.
 *
 * What an instance must have comes first (engine, language, model, features, length), then whether it is up and has
 * room. The rest are ordered by: the engine that was named, the most wishes met (features under `warn`, language
 * detection where no language is named), engines that have not failed this work, the policy, load, speed, id.
 */
export function route(
  request: RoutingRequest,
  snapshot: RegistrySnapshot,
  policy: RoutingPolicy = defaultPolicy,
): RoutingDecision {
  const candidates: EngineInstance[] = [];
  const rejections: Rejection[] = [];
  for (const instance of snapshot.instances) {
    const rejection = rejectionOf(request, instance);
    if (rejection) rejections.push(rejection);
    else candidates.push(instance);
  }
  const triedEngines = enginesTried(request, snapshot);
  const rank = (instance: EngineInstance) => rankOf(request, instance, triedEngines, policy);
  const ranked = candidates.map((instance) => ({ instance, rank: rank(instance) }));
  ranked.sort((a, b) => compareRanks(a.rank, b.rank) || compareIds(a.instance, b.instance));
  return { candidates: ranked.map(({ instance }) => instance), rejections };
}

function rejectionOf(request: RoutingRequest, instance: EngineInstance): Rejection | undefined {
  const { engine, capabilities, health } = instance.description;
  const lack = firstLack(request, engine, capabilities);
  if (lack) return { instance, ...lack, permanent: true };
  if (health.state !== 'serving') {
    const because = health.reason === '' ? '' : `: ${health.reason}`;
    return { instance, code: 'not_serving', detail: `${engine} is ${health.state}${because}.`, permanent: false };
  }
  if (request.triedInstances?.has(instance.id) === true) {
    return { instance, code: 'tried', detail: `${engine} has just failed this work.`, permanent: false };
  }
  if (instance.inFlight >= capabilities.maxConcurrency) {
    const detail = `${engine} has all of its ${capabilities.maxConcurrency} places taken.`;
    return { instance, code: 'full', detail, permanent: false };
  }
  return undefined;
}

function enginesTried(request: RoutingRequest, snapshot: RegistrySnapshot): ReadonlySet<string> {
  const tried = snapshot.instances.filter((instance) => request.triedInstances?.has(instance.id) === true);
  return new Set(tried.map((instance) => instance.description.engine));
}

/** Smaller is better, the first difference decides. */
function rankOf(
  request: RoutingRequest,
  instance: EngineInstance,
  triedEngines: ReadonlySet<string>,
  policy: RoutingPolicy,
): readonly number[] {
  const { engine, capabilities } = instance.description;
  const preference = policy.prefer.indexOf(engine);
  return [
    request.engine === 'auto' || request.engine === engine ? 0 : 1,
    countUnmetWishes(request, capabilities),
    // A second instance of one engine has the same model and often the same backend as the one that failed.
    triedEngines.has(engine) ? 1 : 0,
    preference === -1 ? policy.prefer.length : preference,
    instance.inFlight / capabilities.maxConcurrency,
    -instance.speed,
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareIds(a: EngineInstance, b: EngineInstance): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}
