export * from './transcript-erasure.js';
