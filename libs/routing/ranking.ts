import type { EngineInstance } from '#contracts';
import { figuresOf } from './figures.js';
import { countUnmetWishes } from './requirements.js';
import type { RoutingPolicy, RoutingSettings } from './routing-policy.js';
import type { RoutingRequest } from './routing-request.js';

/** An instance that fails more often than that stands behind those that do not, whatever the preferred engine is. */
const UNRELIABLE_ERROR_RATE = 0.5;

/** What candidates are compared by. */
export type RankFieldName =
  /** 0 for the engine that was named, 1 for one that stands in. */
  | 'stands_in'
  /** How many things that are wished for it lacks. */
  | 'unmet_wishes'
  /** 1 where another instance of its engine has just failed this work. */
  | 'engine_tried'
  /** 1 where more than half of its calls fail. */
  | 'unreliable'
  /** Place in the order of preferred engines, from 0. */
  | 'preference'
  | 'load'
  | 'expected_seconds'
  | 'cost'
  /** 0 while a probe of it is under way, 1 while its breaker is open. */
  | 'breaker_open'
  | 'error_rate'
  /** When its breaker opened, as milliseconds since 1970. */
  | 'open_since'
  /** Only the ids differ. */
  | 'id';

/** One thing that a candidate was compared by; smaller is better. */
export interface RankField {
  readonly name: Exclude<RankFieldName, 'id'>;
  readonly value: number;
}

/** An instance that can take the work now. */
export interface Candidate {
  readonly instance: EngineInstance;
  /** What it was compared by, in this order: the first that differs decides. */
  readonly rank: readonly RankField[];
  /** What put it behind the candidate before it; undefined for the first. */
  readonly behindBy?: RankFieldName;
}

/** What the order of candidates depends on beside the instances. */
export interface Ranking {
  readonly request: RoutingRequest;
  readonly policy: RoutingPolicy;
  readonly settings: RoutingSettings;
  /** Engines of which an instance has just failed this work. */
  readonly triedEngines: ReadonlySet<string>;
  /** Whether the instances are those that are called for want of any other. */
  readonly isLastResort: boolean;
}

/** Best first. The order depends on nothing but the instances themselves. */
export function rankCandidates(instances: readonly EngineInstance[], ranking: Ranking): Candidate[] {
  const ranked = instances
    .map((instance) => ({ instance, rank: rankOf(instance, ranking) }))
    .sort((a, b) => compare(a, b).difference);
  return ranked.map((candidate, index) => {
    const before = ranked[index - 1];
    return before ? { ...candidate, behindBy: compare(before, candidate).by } : candidate;
  });
}

function rankOf(instance: EngineInstance, ranking: Ranking): RankField[] {
  const { request, triedEngines } = ranking;
  const { engine, capabilities } = instance.description;
  return [
    field('stands_in', request.engine === 'auto' || request.engine === engine ? 0 : 1),
    field('unmet_wishes', countUnmetWishes(request, capabilities)),
    ...(ranking.isLastResort ? lastResortRank(instance) : []),
    // A second instance of one engine has the same model and often the same backend as the one that failed.
    field('engine_tried', triedEngines.has(engine) ? 1 : 0),
    ...policyRank(instance, ranking),
  ];
}

/** The least bad: the one that is being probed, then the one that fails least, then the one with the longest rest. */
function lastResortRank({ breaker, stats }: EngineInstance): RankField[] {
  return [
    field('breaker_open', breaker.state === 'open' ? 1 : 0),
    field('error_rate', stats.errorRate),
    field('open_since', breaker.since.getTime()),
  ];
}

function policyRank(instance: EngineInstance, { request, policy, settings }: Ranking): RankField[] {
  const figures = figuresOf(request, instance, settings);
  const load = field('load', figures.load);
  const time = field('expected_seconds', figures.expectedSeconds);
  switch (policy.kind) {
    case 'prefer':
      return [unreliable(instance), preference(instance, policy.engines), load, time];
    case 'fastest':
      return [time, load];
    case 'least-loaded':
      return [load, time];
    case 'cheapest':
      return [unreliable(instance), field('cost', figures.cost), load, time];
  }
}

/** What is preferred or costs nothing must not be taken for ever while it fails. */
function unreliable({ stats }: EngineInstance): RankField {
  return field('unreliable', stats.errorRate > UNRELIABLE_ERROR_RATE ? 1 : 0);
}

function preference({ description }: EngineInstance, engines: readonly string[]): RankField {
  const place = engines.indexOf(description.engine);
  return field('preference', place === -1 ? engines.length : place);
}

function field(name: RankField['name'], value: number): RankField {
  return { name, value };
}

type Ranked = Pick<Candidate, 'instance' | 'rank'>;

function compare(a: Ranked, b: Ranked): { readonly difference: number; readonly by: RankFieldName } {
  for (const [index, { name, value }] of a.rank.entries()) {
    const difference = value - (b.rank[index]?.value ?? value);
    if (difference !== 0) return { difference, by: name };
  }
  if (a.instance.id === b.instance.id) return { difference: 0, by: 'id' };
  return { difference: a.instance.id < b.instance.id ? -1 : 1, by: 'id' };
}
