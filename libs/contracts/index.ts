export * from './engine.js';
export * from './error-table.js';
export * from './job.js';
export * from './job-event.js';
export * from './language.js';
export * from './pcm.js';
export * from './polyscribe-error.js';
export * from './speech-engine.port.js';
