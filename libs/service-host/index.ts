export * from './run-process.js';
export * from './service-definition.js';
export * from './service-host.js';
