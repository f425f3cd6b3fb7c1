export * from './backoff.js';
export * from './batches.js';
export * from './deadline.js';
export * from './over.js';
export * from './time-limit.js';
export * from './work-clock.js';
