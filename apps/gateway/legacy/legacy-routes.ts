import { libraryRoutes } from './library.routes.js';
import type { LegacyRoute } from './legacy-route.js';
import { transcriptionRoutes } from './transcription.routes.js';
import { workerApiRoutes } from './worker-api.routes.js';

/** All paths of predecessors. */
export const legacyRoutes: readonly LegacyRoute[] = [...transcriptionRoutes, ...libraryRoutes, ...workerApiRoutes];
