export * from './testing/certificate.js';
export * from './testing/redis-server.js';
export * from './testing/sentinel.js';
