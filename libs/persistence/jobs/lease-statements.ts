import type { EngineKind, TranscriptSegment, TranscriptWarning } from '#contracts';
import type { Transaction } from '../database.js';
import type { RowOf } from '../returned-row.js';
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

/** Values of a statement that is put together, under their placeholders. */
class Parameters {
  constructor(readonly values: unknown[]) {}

  add(...values: readonly unknown[]): string {
    const first = this.values.length + 1;
    this.values.push(...values);
    return `$${first}`;
  }
}

/**
 * Finishes a span that is not done. It cannot have segments yet, since they come with its being done.
 *
 * @param job where the job's `id` is selected from
 */
function spanDone(job: string, index: number, result: PlainSpanResult, parameters: Parameters): string {
  const [engine, instance, model, language] = [
    parameters.add(result.engine),
    ...[result.instance, result.model, result.language].map((text) => parameters.add(storableText(text))),
  ];
  const warnings = parameters.add(storableJson(result.warnings));
  const rows = parameters.add(storableJson(segmentRows(result.segments)));
  return `span AS (
       UPDATE transcript_spans SET state = 'done', engine = ${engine}, instance = ${instance}, model = ${model},
         language = ${language}, warnings = ${warnings}, updated_at = now()
       FROM ${job} WHERE transcript_job_id = ${job}.id AND span_index = ${parameters.add(index)} AND state <> 'done'
       RETURNING transcript_job_id, span_index
     ), added AS (
       ${segmentInsert('SELECT span.transcript_job_id, span.span_index', rows, 'span,')}
     )`;
}

/** The job gets on: what it waits for from now on is another matter, and so is what it dies of. */
const gotOn = 'busy_since = NULL, outage_since = NULL, fruitful_attempts = attempts';

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
 * Writes a span that is not done and touches no other.
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
  const parameters = new Parameters([jobId, token]);
  const rows = await query(
    `${heldJob}, ${spanDone('job', index, result, parameters)}, fruitful AS (
       UPDATE transcript_jobs SET ${gotOn}
       FROM span WHERE transcript_jobs.id = span.transcript_job_id
         AND (busy_since IS NOT NULL OR outage_since IS NOT NULL OR fruitful_attempts < attempts)
     )
     SELECT FROM span`,
    parameters.values,
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

/** A part of a statement. */
export interface StatementPart {
  /** Its first parameter has that number. */
  readonly sql: (first: number) => string;
  readonly parameters: readonly unknown[];
}

/** What is written together with the end of a job. */
export interface WithEnd {
  /** The last span: no other may be open. */
  readonly span?: (PlainSpanResult & { readonly index: number }) | undefined;
  /** Appends the events that tell of the end, which then counts as announced; its value comes back as `last_seq`. */
  readonly events?: StatementPart | undefined;
  /** What comes back of the job's row as well, with the name of its table. */
  readonly columns?: string | undefined;
}

/** The end of a job as its statement gives it. */
export interface CompletedRow extends RowOf {
  /** How many the transcript has. */
  readonly segments: number;
  readonly last_seq?: string | null;
}

/**
 * Completes a job all of whose spans are done.
 *
 * @param isNumbered the speakers have their numbers; otherwise only a transcript that names none is completed
 * @returns undefined, with nothing written, where that is not the case, or the lease is lost
 */
export async function completePlain(
  query: Query,
  { jobId, token }: Lease,
  head: TranscriptHead,
  isNumbered: boolean,
  { span, events, columns }: WithEnd = {},
): Promise<CompletedRow | undefined> {
  const parameters = new Parameters([jobId, token]);
  const $ = (value: unknown) => parameters.add(value);
  const segments = span ? `spoken.segments + ${$(span.segments.length)}::integer` : 'spoken.segments';
  const open = `FROM transcript_spans WHERE transcript_job_id = job.id AND state <> 'done'`;
  const others = span ? `${open} AND span_index <> ${$(span.index)}` : open;
  const [row] = await query<CompletedRow>(
    `${heldJob}, plain AS (
       SELECT job.id, job.transcript_id, ${segments} AS segments FROM job, LATERAL (
         SELECT count(*)::integer AS segments,
           coalesce(bool_or(speaker_tag IS NOT NULL OR words @? '$[*].speakerTag'), false) AS named
         FROM transcript_segments WHERE transcript_job_id = job.id
       ) AS spoken
       WHERE (${$(isNumbered)}::boolean OR NOT spoken.named) AND NOT EXISTS (SELECT ${others})
         ${span ? `AND EXISTS (SELECT ${open} AND span_index = ${$(span.index)})` : ''}
     ), ${span ? `${spanDone('plain', span.index, span, parameters)}, ` : ''}text AS (
       UPDATE transcripts SET language = ${$(storableText(head.language))},
         duration_ms = round(${$(head.durationMs)}::double precision), engine_used = ${$(head.engineUsed)},
         model = ${$(storableText(head.model))}, fallback_reason = ${$(storableText(head.fallbackReason ?? '') || null)},
         warnings = ${$(head.warnings)}, speaker_roles = ${$(head.speakerRoles)}, updated_at = now()
       FROM plain WHERE transcripts.id = plain.transcript_id
     ), ending AS (
       UPDATE transcript_jobs SET ${span ? `${gotOn}, ` : ''}
         ${completedWith(stagesWith($(storableJson(head.stages)), $(MAX_STAGES), 'clock_timestamp()'), events !== undefined)}
       FROM plain WHERE transcript_jobs.id = plain.id RETURNING ${columns ?? 'transcript_jobs.id'}
     )
     SELECT plain.segments ${events ? `, ${events.sql(parameters.values.length + 1)} AS last_seq` : ''}
       ${columns ? ', ending.*' : ''} FROM plain JOIN ending ON ending.id = plain.id`,
    [...parameters.values, ...(events?.parameters ?? [])],
  );
  return row;
}
