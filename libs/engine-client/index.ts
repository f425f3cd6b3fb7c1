export * from './registry-watcher.js';
export * from './remote-engine.js';
