export * from './job-view.js';
export * from './job-statuses.js';
