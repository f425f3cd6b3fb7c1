export * from './contexts/context.repository.js';
export * from './database.js';
export * from './jobs/erasure.repository.js';
export * from './jobs/idempotency.repository.js';
export type { JobFilter, JobPage } from './jobs/job-list.js';
export * from './jobs/job-lease.repository.js';
export * from './jobs/job-line.repository.js';
export * from './jobs/job.repository.js';
export { completedNote } from './jobs/job-sql.js';
export * from './jobs/lease.js';
export * from './jobs/reconcile.repository.js';
export * from './jobs/retention.repository.js';
export * from './jobs/worker.repository.js';
export * from './remote/remote-lease.repository.js';
export * from './remote/remote-offer.js';
export * from './remote/remote-report.repository.js';
export type { Lane, LaneEnd, LaneFailure } from './joint/lane-leases.js';
export * from './transcripts/transcript.repository.js';
export {
  type Upload,
  type UploadMetadata,
  UploadRepository,
  type UploadRoom,
  UPLOAD_TTL_MS,
  uploadUsed,
} from './uploads/upload.repository.js';
export * from './webhooks/webhook-delivery.repository.js';
export * from './webhooks/webhook-endpoint.repository.js';
