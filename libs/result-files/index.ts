export * from './result-files.js';
