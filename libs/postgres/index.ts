export * from './backoff.js';
export * from './deadline.js';
export * from './unavailable.js';
