import { ConfigError } from '#config';
import { hostEngine } from '#engine-host';
import type { RunningService, ServiceContext } from '#service-host';
import { RivaEngine } from './riva-engine.js';

/** Connects to the backends and registers; backends that are away are used once they are back. */
export function startEngineRiva(context: ServiceContext): Promise<RunningService> {
  const { config, logger } = context;
  if (!config.riva) throw new ConfigError('Bad configuration: engine-riva needs RIVA_URI to be set.');
  return hostEngine({ engine: new RivaEngine({ settings: config.riva, logger }), context });
}
