export * from './announcer.js';
export * from './job-view.js';
export * from './job-statuses.js';
