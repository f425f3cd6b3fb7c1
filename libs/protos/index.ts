export * from './descriptor-set.js';
export * as engineV1 from './engine-v1.js';
export * as healthV1 from './health-v1.js';
export * as jobV1 from './job-v1.js';
export * from './mappers/index.js';
export * as registryV1 from './registry-v1.js';
export * as riva from './riva.js';
