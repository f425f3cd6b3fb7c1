export { engineRegistry, startEngineRegistry } from './engine-registry.js';
export type { LeaseSettings } from './lease-table.js';
