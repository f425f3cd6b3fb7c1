export * from './formats.js';
export * from './result-body.js';
