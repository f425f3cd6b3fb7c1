import type { EndpointName, ServiceDefinition } from './service-definition.js';

/**
 * Orders definitions so that each comes after those that provide what it needs (Kahn's algorithm, stable).
 *
 * @param given endpoints that are there from the start
 * @throws Error when something needed is provided by nobody or the definitions form a circle
 */
export function startOrder(
  definitions: readonly ServiceDefinition[],
  given: readonly EndpointName[],
): ServiceDefinition[] {
  const providable = new Set<EndpointName>([...given, ...definitions.flatMap((d) => d.provides)]);
  for (const definition of definitions) {
    for (const need of definition.needs) {
      if (!providable.has(need)) {
        throw new Error(
          `${definition.name} needs ${need}, which is neither configured nor provided by a service here.`,
        );
      }
    }
  }
  const available = new Set<EndpointName>(given);
  const waiting = [...definitions];
  const ordered: ServiceDefinition[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex((definition) => definition.needs.every((need) => available.has(need)));
    const [definition] = next === -1 ? [] : waiting.splice(next, 1);
    if (!definition) {
      throw new Error(`Services depend on each other in a circle: ${waiting.map((d) => d.name).join(', ')}.`);
    }
    ordered.push(definition);
    for (const name of definition.provides) available.add(name);
  }
  return ordered;
}
