import type { ServiceDefinition } from '#service-host';

/** The embedded engine as a member of the mesh. */
export const engineLocal: ServiceDefinition = {
  name: 'engine-local',
  needs: ['registry'],
  provides: [],
  start: async (context) => (await import('./start-engine-local.js')).startEngineLocal(context),
};
