import { type JobStatus, jobStatuses } from '#contracts';

/** How predecessors call what a job is at. */
export type StatusWords = Readonly<Record<JobStatus, string>>;

/** `/api/v1`: a job waits as `pending`. */
export const pendingWords: StatusWords = {
  queued: 'pending',
  processing: 'processing',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** `/v1`: four words; a job that was taken back counts as failed, with an error that says so. */
export const workerWords: StatusWords = {
  queued: 'queued',
  processing: 'started',
  completed: 'finished',
  failed: 'failed',
  cancelled: 'failed',
};

/** Our status by a predecessor's word; undefined for a word that it does not have. */
export function statusCalled(words: StatusWords, word: string): JobStatus | undefined {
  return jobStatuses.find((status) => words[status] === word);
}
