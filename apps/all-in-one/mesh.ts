import type { ServiceDefinition } from '#service-host';
import { embeddedPostgres } from '#embedded-postgres';
import { engineLocal } from '../engine-local/index.js';
import { engineRegistry } from '../engine-registry/index.js';
import { engineRiva } from '../engine-riva/index.js';
import { engineWhisperx } from '../engine-whisperx/index.js';
import { gateway } from '../gateway/index.js';
import { worker } from '../worker/index.js';
import { onOwnEnginePorts } from './engine-ports.js';
import { meshFile } from './mesh-file.js';

/**
 * The whole mesh. Needs and provides of the definitions give the order of the start; what is configured to run elsewhere
 * (DATABASE_URL, ENGINE_REGISTRY_URL) is left out, and so is an adapter without a backend (RIVA_URI). The services talk
 * to each other over loopback gRPC with the same clients as when each runs in its own process.
 */
export const mesh: readonly ServiceDefinition[] = [
  embeddedPostgres,
  engineRegistry,
  ...onOwnEnginePorts([engineLocal, engineRiva, engineWhisperx]),
  worker,
  gateway,
  meshFile,
];
