export * from './redis-error.js';
export * from './redis-link.js';
export * from './redis-options.js';
export * from './redis-subscriber.js';
export * from './outage-log.js';
