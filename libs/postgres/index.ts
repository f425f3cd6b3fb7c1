export * from './unavailable.js';
