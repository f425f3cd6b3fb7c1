export * from './backoff.js';
export * from './deadline.js';
export * from './work-clock.js';
