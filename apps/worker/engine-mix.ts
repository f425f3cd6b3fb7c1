import type { EngineInstance, JobOptions } from '#contracts';
import { countUnmetWishes, type RoutingDecision, type RoutingRequest } from '#routing';

/**
 * Whether spans of one transcript may go to engines of different kinds side by side. Who names an engine wants its hand,
 * and who asks for precision wants one hand throughout; both get another one only where the first cannot serve.
 */
export function mayMix({ engine, profile }: Pick<JobOptions, 'engine' | 'profile'>): boolean {
  return engine === 'auto' && profile !== 'precise';
}

/** A span that is to be given away, and what is left of its job. */
export interface WorkLeft {
  readonly lengthMs: number;
  /** Audio of the job that is not done, the span's own among it. */
  readonly remainingMs: number;
}

/**
 * A decision without the instances that a mixed transcript does better without: those that meet fewer wishes than others
 * which are up, and those so slow that the others would have done everything before them.
 */
export function helpersOnly(decision: RoutingDecision, request: RoutingRequest, left?: WorkLeft): RoutingDecision {
  const up = upInstances(decision);
  const unmet = (instance: EngineInstance) => countUnmetWishes(request, instance.description.capabilities);
  const fewest = Math.min(...up.map(unmet));
  const good = up.filter((instance) => unmet(instance) === fewest);
  const helps = (instance: EngineInstance) => good.includes(instance) && (!left || isInTime(instance, good, left));
  return {
    ...decision,
    candidates: decision.candidates.filter(({ instance }) => helps(instance)),
    rejections: decision.rejections.filter(({ code, instance }) => code !== 'full' || good.includes(instance)),
  };
}

/** Instances that can serve the request, now or when a call of theirs has ended. */
export function upInstances({ candidates, rejections }: RoutingDecision): EngineInstance[] {
  return [...candidates, ...rejections.filter(({ code }) => code === 'full')].map(({ instance }) => instance);
}

/** Seconds of work for a second of audio; undefined until measured. */
export function realTimeFactor({ stats, speed }: EngineInstance): number | undefined {
  return stats.realTimeFactor ?? (speed > 0 ? 1 / speed : undefined);
}

function isInTime(instance: EngineInstance, others: readonly EngineInstance[], left: WorkLeft): boolean {
  const own = realTimeFactor(instance);
  if (own === undefined) return true;
  let soonest = Infinity;
  let audioMsPerMs = 0;
  for (const other of others) {
    const factor = realTimeFactor(other);
    if (factor === undefined || factor >= own) continue;
    soonest = Math.min(soonest, factor * left.lengthMs);
    audioMsPerMs += other.description.capabilities.maxConcurrency / factor;
  }
  return audioMsPerMs === 0 || own * left.lengthMs <= soonest + left.remainingMs / audioMsPerMs;
}
