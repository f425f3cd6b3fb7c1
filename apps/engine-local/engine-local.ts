import { hostEngine } from '#engine-host';
import type { ServiceDefinition } from '#service-host';
import { LocalEngine } from './local-engine.js';

/** The embedded engine as a member of the mesh. */
export const engineLocal: ServiceDefinition = {
  name: 'engine-local',
  needs: ['registry'],
  provides: [],
  start: (context) => {
    const { config, logger } = context;
    return hostEngine({ engine: new LocalEngine({ model: config.engine.localModel, logger }), context });
  },
};
