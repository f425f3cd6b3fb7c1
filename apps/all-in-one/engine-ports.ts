import type { ServiceDefinition } from '#service-host';

/**
 * Gives apps with engines that share a process ports of their own where ENGINE_PORT is set: the first takes that port, the
 * second the next one. The last may take as many as it has engines.
 */
export function onOwnEnginePorts(definitions: readonly ServiceDefinition[]): ServiceDefinition[] {
  return definitions.map((definition, enginePortOffset) => ({
    ...definition,
    start: (context) => definition.start({ ...context, enginePortOffset, endpoint: (name) => context.endpoint(name) }),
  }));
}
