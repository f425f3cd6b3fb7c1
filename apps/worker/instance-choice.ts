import type { EngineInstance, EngineKind } from '#contracts';
import type { Rejection, RoutingDecision } from '#routing';

export interface ChoiceLimits {
  readonly sameEngineWaitMs: number;
  readonly fullProbeMs: number;
  /** How long those whose breaker is open are left alone, where there is nobody else. */
  readonly lastResortAfterMs: number;
}

/**
 * The instance to call now; undefined means wait.
 *
 * @param engine the engine that serves the job so far
 * @param waitedMs how long the span has waited
 * @param isFullOfOurs whether our own calls alone fill an instance
 */
export function chooseInstance(
  decision: RoutingDecision,
  engine: EngineKind | undefined,
  waitedMs: number,
  limits: ChoiceLimits,
  isFullOfOurs: (instance: EngineInstance) => boolean,
): EngineInstance | undefined {
  const candidates = decision.candidates.map((candidate) => candidate.instance);
  // A probe may close a breaker any moment.
  if (decision.isLastResort && waitedMs < limits.lastResortAfterMs) return undefined;
  const same = candidates.find((instance) => instance.description.engine === engine);
  if (same) return same;
  const full = decision.rejections.filter((rejection) => rejection.code === 'full');
  const [best] = candidates;
  if (best && !(waitedMs < limits.sameEngineWaitMs && full.some((rejection) => isOf(rejection, engine)))) return best;
  if (waitedMs < limits.fullProbeMs) return undefined;
  // The figure is as old as the last heartbeat; asking costs little, a full instance says so at once.
  return full.find((rejection) => !isFullOfOurs(rejection.instance))?.instance;
}

function isOf(rejection: Rejection, engine: EngineKind | undefined): boolean {
  return rejection.instance.description.engine === engine;
}
