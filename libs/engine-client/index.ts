export { CallMeter } from './call-meter.js';
export * from './call-reporter.js';
export * from './registry-watcher.js';
export * from './remote-engine.js';
