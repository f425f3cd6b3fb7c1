import type { EngineKind, TranscriptSegment, TranscriptWarning } from '#contracts';
import type { Transaction } from '../database.js';
import { storableJson, storableText } from '../storable.js';
import { segmentInsert, segmentRows } from '../transcripts/segment-store.js';
import { gotOn } from './job-sql.js';
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

/** Whether one statement can write the span. */
export function isPlain({ segments }: PlainSpanResult): boolean {
  return segments.length <= MOST_SEGMENTS;
}

/** Whether it can be written with the end of the job. */
export function isLastPlain(span: PlainSpanResult): boolean {
  return isPlain(span) && span.segments.every((segment) => !isNamed(segment) && !segment.words?.some(isNamed));
}

function isNamed({ speakerTag }: { readonly speakerTag?: number }): boolean {
  return speakerTag !== undefined;
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
  if (!isPlain(result)) return false;
  const rows = await query(COMMIT_SPAN, [
    ...[jobId, token, index, result.engine, ...[result.instance, result.model, result.language].map(storableText)],
    ...[result.warnings, segmentRows(result.segments)].map(storableJson),
  ]);
  return rows.length > 0;
}

const COMMIT_SPAN = `${heldJob}, span AS (
    UPDATE transcript_spans SET state = 'done', engine = $4, instance = $5, model = $6, language = $7, warnings = $8,
      updated_at = now()
    FROM job WHERE transcript_job_id = job.id AND span_index = $3 AND state <> 'done'
    RETURNING transcript_job_id, span_index
  ), added AS (
    ${segmentInsert('SELECT span.transcript_job_id, span.span_index', '$9', 'span,')}
  ), fruitful AS (
    UPDATE transcript_jobs SET ${gotOn}
    FROM span WHERE transcript_jobs.id = span.transcript_job_id
      AND (busy_since IS NOT NULL OR outage_since IS NOT NULL OR fruitful_attempts < attempts)
  )
  SELECT FROM span`;
