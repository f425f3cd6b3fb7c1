export * from './formats.js';
export * from './media-body.js';
export * from './result-body.js';
export * from './seconds.js';
