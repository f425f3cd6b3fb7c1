export * from './admit-request.js';
export * from './host-engine.js';
