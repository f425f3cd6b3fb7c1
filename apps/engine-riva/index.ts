import type { ServiceDefinition } from '#service-host';

/** The adapter to NVIDIA Riva as a member of the mesh. */
export const engineRiva: ServiceDefinition = {
  name: 'engine-riva',
  needs: ['registry'],
  provides: [],
  requires: { variable: 'RIVA_URI', isSet: ({ riva }) => riva !== undefined },
  start: async (context) => (await import('./start-engine-riva.js')).startEngineRiva(context),
};
