export * from './admit-request.js';
export * from './host-engine.js';
export * from './read-until-aborted.js';
