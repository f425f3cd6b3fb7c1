import { hostEngine } from '#engine-host';
import type { RunningService, ServiceContext } from '#service-host';
import { LocalEngine } from './local-engine.js';

/** Loads the models and registers. */
export function startEngineLocal(context: ServiceContext): Promise<RunningService> {
  const { config, logger } = context;
  return hostEngine({ engine: new LocalEngine({ model: config.engine.localModel, logger }), context });
}
