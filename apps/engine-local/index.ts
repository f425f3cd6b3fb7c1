export { engineLocal } from './engine-local.js';
export { LocalEngine, type LocalEngineOptions } from './local-engine.js';
