export * from './upload-content.js';
export * from './upload-sweeper.js';
