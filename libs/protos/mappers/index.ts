export * from './duration.mapper.js';
export * from './ended-call.mapper.js';
export * from './engine-description.mapper.js';
export * from './engine-event.mapper.js';
export * from './engine-instance.mapper.js';
export * from './engine-request.mapper.js';
export * from './instance-stats.mapper.js';
export * from './wire-fault.js';
