export * from './contexts/context.repository.js';
export * from './database.js';
export type { JobFilter, JobPage } from './jobs/job-list.js';
export * from './jobs/job-lease.repository.js';
export * from './jobs/job.repository.js';
export * from './jobs/lease.js';
export * from './jobs/reconcile.repository.js';
export * from './jobs/retention.repository.js';
export * from './transcripts/transcript.repository.js';
