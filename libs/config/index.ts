export * from './binding.js';
export * from './config-error.js';
export * from './config.js';
export { parseRedisUrl, type RedisAddress, type RedisNode } from './redis-url.js';
export { environmentVariables } from './env-schema.js';
export type { BoostRule } from './boosts.js';
export type { ClientTlsFiles, RivaSettings } from './riva-settings.js';
export type { WhisperxSettings } from './whisperx-settings.js';
export type { WhisperxDialect } from './whisperx-values.js';
