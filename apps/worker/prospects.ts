import type { EngineInstance, JobOptions, RegistrySnapshot } from '#contracts';
import { route, routingRequestOf, type RoutingSettings } from '#routing';
import { helpersOnly, mayMix, upInstances } from './engine-mix.js';

/** What a job may expect of the engines as it begins. */
export interface Prospects {
  /** Instances that can serve it, now or when they are up and have room. */
  readonly able: readonly EngineInstance[];
  /** Calls that could be served side by side now; at least 1. */
  readonly places: number;
}

export function prospectsOf(options: JobOptions, snapshot: RegistrySnapshot, routing: RoutingSettings): Prospects {
  const request = routingRequestOf(options);
  const decision = route(request, snapshot, routing);
  const waiting = decision.rejections.filter(({ permanent }) => !permanent);
  const able = [...decision.candidates, ...waiting].map(({ instance }) => instance);
  const [first] = upInstances(decision);
  const used = mayMix(options)
    ? upInstances(helpersOnly(decision, request))
    : upInstances(decision).filter(({ description }) => description.engine === first?.description.engine);
  return {
    able,
    places: Math.max(
      1,
      used.reduce((sum, instance) => sum + freePlaces(instance), 0),
    ),
  };
}

function freePlaces({ description, inFlight }: EngineInstance): number {
  return Math.max(0, description.capabilities.maxConcurrency - inFlight);
}
