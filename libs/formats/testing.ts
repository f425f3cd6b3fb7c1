export * from './testing/documents.js';
