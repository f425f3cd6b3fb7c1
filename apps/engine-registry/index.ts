import type { ServiceDefinition } from '#service-host';

/** Knows which engine instances are up. */
export const engineRegistry: ServiceDefinition = {
  name: 'engine-registry',
  needs: [],
  provides: ['registry'],
  start: async (context) => (await import('./start-engine-registry.js')).startEngineRegistry(context),
};
