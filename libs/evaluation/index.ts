export * from './word-error-rate.js';
