import type { EngineKind, TranscriptSegment, TranscriptWarning } from '#contracts';
import type { Transaction } from '../database.js';
import { storableJson, storableText } from '../storable.js';
import { segmentInsert, segmentRows } from '../transcripts/segment-store.js';
import { type BegunStage, completedWith, MAX_STAGES, stagesWith } from './job-sql.js';
import type { Lease } from './lease.js';

/** The one place where a row is known to be this worker's: its token stands in it, and the job runs. */
export const held = `job_id = $1 AND lease_token = $2 AND status = 'processing'`;

/**
 * The row of a job that is held, locked for the rest of the statement: nobody can claim the job before it is committed. What
 * a short job writes is written by statements that begin so, in one round trip and one commit each.
 */
export const heldJob = `WITH job AS (SELECT id, transcript_id FROM transcript_jobs WHERE ${held} FOR UPDATE)`;

type Query = Transaction['query'];

/** Segments of one such statement; a span with more takes a transaction. */
const MOST_SEGMENTS = 500;

export interface PlainSpanResult {
  readonly segments: readonly TranscriptSegment[];
  readonly engine: EngineKind;
  readonly instance: string;
  readonly model: string;
  readonly language: string;
  readonly warnings: readonly TranscriptWarning[];
}

/**
 * Writes a span that is not done and touches no other. It cannot have segments yet, since they come with its being done.
 *
 * @returns false, with nothing written, where that is not the case, or the lease is lost
 */
export async function commitPlainSpan(
  query: Query,
  { jobId, token }: Lease,
  index: number,
  result: PlainSpanResult,
): Promise<boolean> {
  if (result.segments.length > MOST_SEGMENTS) return false;
  const rows = await query(
    `${heldJob}, span AS (
       UPDATE transcript_spans
       SET state = 'done', engine = $4, instance = $5, model = $6, language = $7, warnings = $8, updated_at = now()
       FROM job WHERE transcript_job_id = job.id AND span_index = $3 AND state <> 'done'
       RETURNING transcript_job_id, span_index
     ), added AS (
       ${segmentInsert('SELECT span.transcript_job_id, span.span_index', '$9', 'span,')}
     ), fruitful AS (
       -- The job gets on: what it waits for from now on is another matter, and so is what it dies of.
       UPDATE transcript_jobs SET busy_since = NULL, outage_since = NULL, fruitful_attempts = attempts
       FROM span WHERE transcript_jobs.id = span.transcript_job_id
         AND (busy_since IS NOT NULL OR outage_since IS NOT NULL OR fruitful_attempts < attempts)
     )
     SELECT FROM span`,
    [
      ...[jobId, token, index, result.engine, ...[result.instance, result.model, result.language].map(storableText)],
      ...[storableJson(result.warnings), storableJson(segmentRows(result.segments))],
    ],
  );
  return rows.length > 0;
}

/** What stands in a transcript besides its text. */
export interface TranscriptHead {
  readonly language: string;
  readonly durationMs: number;
  readonly engineUsed: EngineKind;
  readonly model: string;
  readonly fallbackReason: string | undefined;
  readonly warnings: string;
  readonly speakerRoles: string | null;
  readonly stages: readonly BegunStage[];
}

/**
 * Completes a job all of whose spans are done.
 *
 * @param isNumbered the speakers have their numbers; otherwise only a transcript that names none is completed
 * @returns how many segments it has; undefined, with nothing written, where that is not the case, or the lease is lost
 */
export async function completePlain(
  query: Query,
  { jobId, token }: Lease,
  head: TranscriptHead,
  isNumbered: boolean,
): Promise<number | undefined> {
  const [row] = await query<{ segments: number }>(
    `${heldJob}, plain AS (
       SELECT job.id, job.transcript_id, spoken.segments FROM job, LATERAL (
         SELECT count(*)::integer AS segments,
           coalesce(bool_or(speaker_tag IS NOT NULL OR words @? '$[*].speakerTag'), false) AS named
         FROM transcript_segments WHERE transcript_job_id = job.id
       ) AS spoken
       WHERE ($12::boolean OR NOT spoken.named)
         AND NOT EXISTS (SELECT FROM transcript_spans WHERE transcript_job_id = job.id AND state <> 'done')
     ), text AS (
       UPDATE transcripts SET language = $3, duration_ms = round($4::double precision), engine_used = $5, model = $6,
         fallback_reason = $7, warnings = $8, speaker_roles = $9, updated_at = now()
       FROM plain WHERE transcripts.id = plain.transcript_id
     ), ending AS (
       UPDATE transcript_jobs SET ${completedWith(stagesWith('$10', '$11', 'clock_timestamp()'))}
       FROM plain WHERE transcript_jobs.id = plain.id
     )
     SELECT segments FROM plain`,
    [
      ...[jobId, token, storableText(head.language), head.durationMs, head.engineUsed, storableText(head.model)],
      ...[storableText(head.fallbackReason ?? '') || null, head.warnings, head.speakerRoles],
      ...[storableJson(head.stages), MAX_STAGES, isNumbered],
    ],
  );
  return row?.segments;
}
