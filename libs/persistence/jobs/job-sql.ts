/** Pieces of SQL that several statements on `transcript_jobs` share. All times are the database's: hosts' clocks differ. */

/**
 * The stages with the running one closed. Times that a stage took are kept in seconds with milliseconds.
 */
export const stagesClosed = `CASE
  WHEN jsonb_array_length(stages) > 0 AND NOT (stages->-1) ? 'seconds' THEN jsonb_set(stages, '{-1,seconds}', to_jsonb(
    round(greatest(0, extract(epoch FROM clock_timestamp() - (stages->-1->>'startedAt')::timestamptz))::numeric, 3)))
  ELSE stages END`;

/** What every way to end has in common. The lease goes with it, so that whoever held it can write no more. */
export const ended = `completed_at = clock_timestamp(), updated_at = clock_timestamp(), lease_token = NULL,
  lease_until = NULL, announced = false, stages = ${stagesClosed}`;

/** A job that has its transcript. */
export const completed = `status = 'completed', progress = 100, stage = 'completed', message = 'Completed.', ${ended}`;

/** A job that a client or an operator took back. */
export const cancelled = `status = 'cancelled', stage = 'cancelled', message = 'Cancelled.', cancel_requested = false,
  ${ended}`;

/** Failed engine calls that are kept of one job: the last ones, since a job may be tried for hours. */
export const MAX_FAILED_ATTEMPTS = 50;

/** An instant `ms` milliseconds from now; the placeholder must be a number. */
export function fromNow(placeholder: string): string {
  return `clock_timestamp() + ${placeholder}::double precision * interval '1 millisecond'`;
}
