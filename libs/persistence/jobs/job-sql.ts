/** Pieces of SQL that several statements on `transcript_jobs` share. All times are the database's: hosts' clocks differ. */

/**
 * The stages with the running one closed. Times that a stage took are kept in seconds with milliseconds.
 */
export const stagesClosed = `CASE
  WHEN jsonb_array_length(stages) > 0 AND NOT (stages->-1) ? 'seconds' THEN jsonb_set(stages, '{-1,seconds}', to_jsonb(
    round(greatest(0, extract(epoch FROM clock_timestamp() - (stages->-1->>'startedAt')::timestamptz))::numeric, 3)))
  ELSE stages END`;

/** A stage that has begun `agoMs` milliseconds ago. */
export interface BegunStage {
  readonly name: string;
  readonly agoMs: number;
}

/**
 * The stages with further ones behind them, each closed where the next begins. One of the same name as the running one is
 * that.
 *
 * @param begun placeholder of an array of `BegunStage` as JSON, in order
 * @param most placeholder of how many stages are kept
 * @param end an instant at which the last is closed; without it, it goes on
 */
export function stagesWith(begun: string, most: string, end = 'NULL::timestamptz'): string {
  return `(SELECT coalesce(jsonb_agg(CASE WHEN entry ? 'seconds' OR next IS NULL THEN entry
      ELSE entry || jsonb_build_object('seconds', round(greatest(0, extract(epoch FROM next - started))::numeric, 3)) END
      ORDER BY place), '[]')
    FROM (
      SELECT entry, place, started, coalesce(lead(started) OVER (ORDER BY place), ${end}) AS next
      FROM (
        SELECT entry, place, (entry->>'startedAt')::timestamptz AS started
        FROM jsonb_array_elements(stages) WITH ORDINALITY AS before (entry, place)
        UNION ALL
        SELECT jsonb_build_object('name', stage->>'name', 'startedAt', instant.began),
          jsonb_array_length(stages) + place, instant.began
        FROM jsonb_array_elements(${begun}::jsonb) WITH ORDINALITY AS added (stage, place),
          LATERAL (SELECT clock_timestamp() - (stage->>'agoMs')::double precision * interval '1 millisecond') AS instant (began)
        WHERE jsonb_array_length(stages) + place <= ${most}::integer
          AND NOT (place = 1 AND coalesce(stages->-1->>'name', '') = stage->>'name')
      ) AS listed
    ) AS followed)`;
}

function endedWith(stages: string, isAnnounced = 'false'): string {
  return `completed_at = clock_timestamp(), updated_at = clock_timestamp(), lease_token = NULL,
  lease_until = NULL, announced = ${isAnnounced}, stages = ${stages}`;
}

/** What every way to end has in common. The lease goes with it, so that whoever held it can write no more. */
export const ended = endedWith(stagesClosed);

/** The job gets on: what it waits for from now on is another matter, and so is what it dies of. */
export const gotOn = 'busy_since = NULL, outage_since = NULL, fruitful_attempts = attempts';

/** How a job shows that has its transcript. */
export const completedNote = { status: 'completed', progress: 100, stage: 'completed', message: 'Completed.' } as const;

/**
 * A job that has its transcript.
 *
 * @param isAnnounced whether the event that tells of it is written with it
 */
export function completedWith(stages: string, isAnnounced = 'false'): string {
  const { status, progress, stage, message } = completedNote;
  const fields = `status = '${status}', progress = ${progress}, stage = '${stage}', message = '${message}'`;
  return `${fields}, ${endedWith(stages, isAnnounced)}`;
}

/** The same whose stages are all written down. */
export const completed = completedWith(stagesClosed);

/** A job that a client or an operator took back. */
export const cancelled = `status = 'cancelled', stage = 'cancelled', message = 'Cancelled.', cancel_requested = false,
  ${ended}`;

/** Failed engine calls that are kept of one job: the last ones, since a job may be tried for hours. */
export const MAX_FAILED_ATTEMPTS = 50;

/** Stages that are kept of one job. */
export const MAX_STAGES = 50;

/** An instant `ms` milliseconds from now; the placeholder must be a number. */
export function fromNow(placeholder: string): string {
  return `clock_timestamp() + ${placeholder}::double precision * interval '1 millisecond'`;
}
