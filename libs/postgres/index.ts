export * from './guarded-client.js';
export * from './unavailable.js';
