import type { EngineKind, Job, MediaFacts, SpeakerRoles, TranscriptWarning } from '#contracts';
import { Batches } from '#timing';
import type { Database, Transaction } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { columnsOf, entityOf, type RowOf } from '../returned-row.js';
import { segmentInsert, segmentRows } from '../transcripts/segment-store.js';
import { byHeldJob, heldJobs, type HeldRow, isOfOne } from './held-jobs.js';
import { toJob } from './job.mapper.js';
import { type BegunStage, completedWith, gotOn, MAX_STAGES, stagesWith } from './job-sql.js';
import type { Lease } from './lease.js';
import { isLastPlain, type PlainSpanResult } from './lease-statements.js';
import type { PlannedSpan } from './span-plans.js';

/** What the headers of a recording say, and how long the engines should take for all of it. */
export interface NotedFacts {
  readonly media?: MediaFacts;
  readonly expectedMs?: number;
}

export interface JobResult {
  readonly language: string;
  readonly durationMs: number;
  readonly engineUsed: EngineKind;
  readonly model: string;
  readonly fallbackReason?: string;
  /** By the tags that `speech` gave. */
  readonly speakerRoles?: SpeakerRoles;
  readonly warnings: readonly TranscriptWarning[];
  /** Those that have begun since the row was last written. */
  readonly stages?: readonly BegunStage[];
  /** Those that are not written yet. */
  readonly facts?: NotedFacts;
}

/** Appends events to the log from within a statement. */
export interface EventPart {
  readonly sql: (addition: string) => string;
  readonly addition: object;
}

/** A span that is done. */
export interface LastSpan extends PlainSpanResult {
  readonly index: number;
  /** Where it lies, unless that is written already. */
  readonly place?: PlannedSpan;
}

/** What goes along with the end of a job. */
export interface EndParts {
  /** The last span: no other may be open. */
  readonly span?: LastSpan | undefined;
  /** Tell of the end, which then counts as announced. */
  readonly events: EventPart;
  /** Whether the job as it is then comes back. */
  readonly isRowWanted?: boolean;
}

/** A job that has ended well. */
export interface CompletedJob {
  /** How many the transcript has. */
  readonly segments: number;
  /** What the part that appended the events gave. */
  readonly lastSeq: string | null;
  /** There where it was wanted. */
  readonly job?: Job;
}

/** A job that is to end well. */
interface End {
  readonly lease: Lease;
  readonly result: JobResult;
  readonly parts: EndParts;
}

/** Ends that one statement writes. */
const BATCH_ENDS = 16;

/** Ends jobs well, those of one moment in one statement and one commit. */
export class JobEnds {
  private readonly ends = new Batches<End, CompletedJob | undefined>({
    most: BATCH_ENDS,
    run: async (ends) => this.writeAll(ends),
    line: ({ parts }) => String(parts.isRowWanted ?? false),
    apart: ({ lease }) => lease.jobId,
    isOfOne,
  });

  constructor(private readonly database: Database) {}

  /** As `JobLeaseRepository.completeWith`. */
  async write(lease: Lease, result: JobResult, parts: EndParts): Promise<CompletedJob | undefined> {
    if (parts.span && !isLastPlain(parts.span)) return undefined;
    return this.ends.add({ lease, result, parts });
  }

  private async writeAll(ends: readonly End[]): Promise<(CompletedJob | undefined)[]> {
    const { dataSource } = this.database;
    const isRowWanted = ends[0]?.parts.isRowWanted ?? false;
    const columns = isRowWanted ? (row: string) => columnsOf(dataSource, TranscriptJobEntity, row) : undefined;
    const statement = endStatement(ends[0]?.parts.events.sql, columns);
    const rows = await byHeldJob(
      ends,
      ({ result, parts }) => rowOf(result, parts),
      async (...given) => this.database.prepared<CompletedRow>(statement, given),
    );
    return rows.map((row) => {
      if (!row) return undefined;
      const { segments, last_seq: lastSeq } = row;
      if (!isRowWanted) return { segments, lastSeq };
      return { segments, lastSeq, job: toJob(entityOf(dataSource, TranscriptJobEntity, row)) };
    });
  }
}

/**
 * Completes a job all of whose spans are done, by itself.
 *
 * @param isNumbered the speakers have their numbers; otherwise only a transcript that names none is completed
 * @returns how many segments it has; undefined, with nothing written, where that is not the case, or the lease is lost
 */
export async function completeAlone(
  query: Transaction['query'],
  lease: Lease,
  result: JobResult,
  isNumbered: boolean,
): Promise<number | undefined> {
  const row = () => ({ ...rowOf(result), is_numbered: isNumbered });
  const [written] = await byHeldJob([{ lease }], row, (...given) => query<CompletedRow>(endStatement(), given));
  return written?.segments;
}

/** An end as its statement gives it, with the columns of the job's row where these are wanted. */
interface CompletedRow extends HeldRow, RowOf {
  readonly segments: number;
  readonly last_seq: string | null;
}

function rowOf({ stages = [], facts = {}, ...result }: JobResult, { span, events }: Partial<EndParts> = {}): object {
  return {
    ...{
      is_numbered: false,
      begun: stages,
      facts: facts.media,
      expected_ms: facts.expectedMs,
      events: events?.addition,
    },
    ...{ language: result.language, duration_ms: result.durationMs, engine_used: result.engineUsed },
    ...{ model: result.model, fallback_reason: result.fallbackReason, warnings: result.warnings },
    ...{ speaker_roles: result.speakerRoles, ...(span && spanRowOf(span)) },
  };
}

function spanRowOf({ index, place, segments, ...result }: LastSpan): object {
  return {
    ...{ span_index: index, span_engine: result.engine, span_instance: result.instance, span_model: result.model },
    ...{ span_language: result.language, span_warnings: result.warnings, span_segments: segmentRows(segments) },
    ...(place && {
      ...{ from_ms: place.startMs, to_ms: place.endMs, lead_ms: place.leadMs ?? 0, tail_ms: place.tailMs ?? 0 },
    }),
  };
}

const head = heldJobs(`is_numbered boolean, begun jsonb, facts jsonb, expected_ms double precision, events json,
  language text, duration_ms double precision, engine_used text, model text, fallback_reason text, warnings jsonb,
  speaker_roles jsonb, span_index integer, span_engine text, span_instance text, span_model text, span_language text,
  span_warnings jsonb, span_segments jsonb, from_ms double precision, to_ms double precision,
  lead_ms double precision, tail_ms double precision`);

/**
 * Ends those of the jobs that are plain: no speaker is still to be numbered, and no span is open but the one that goes along,
 * which has no segments yet, since they come with its being done.
 *
 * @param append appends the events of each, in the order of the jobs' ids
 * @param columns of the job's row that come back
 */
function endStatement(append?: EventPart['sql'], columns?: (row: string) => string): string {
  const lastSeq = append ? `CASE WHEN done.events IS NOT NULL THEN ${append('done.events')} END` : 'NULL::bigint';
  const stages = stagesWith('plain.begun', String(MAX_STAGES), 'clock_timestamp()');
  const owner = 'SELECT span.id, span.span_index';
  return `${head}, plain AS MATERIALIZED (
      SELECT job.*, spoken.segments + coalesce(jsonb_array_length(span_segments), 0) AS segments
      FROM job, LATERAL (
        SELECT count(*)::integer AS segments,
          coalesce(bool_or(speaker_tag IS NOT NULL OR words @? '$[*].speakerTag'), false) AS named
        FROM transcript_segments WHERE transcript_job_id = job.id
      ) AS spoken, LATERAL (
        SELECT count(*) AS spans, count(*) FILTER (WHERE span.span_index = job.span_index) AS own
        FROM transcript_spans AS span WHERE transcript_job_id = job.id AND state <> 'done'
      ) AS open
      WHERE (is_numbered OR NOT spoken.named) AND open.spans = open.own
        AND (job.span_index IS NULL OR open.own = 1)
    ), span AS (
      UPDATE transcript_spans AS span
      SET state = 'done', engine = span_engine, instance = span_instance, model = span_model, language = span_language,
        warnings = span_warnings, start_ms = coalesce(round(from_ms), start_ms), end_ms = coalesce(round(to_ms), end_ms),
        lead_ms = coalesce(round(plain.lead_ms), span.lead_ms), tail_ms = coalesce(round(plain.tail_ms), span.tail_ms),
        updated_at = now()
      FROM plain WHERE span.transcript_job_id = plain.id AND span.span_index = plain.span_index AND span.state <> 'done'
      RETURNING plain.id, plain.span_index, span_segments
    ), added AS (
      ${segmentInsert(owner, 'span_segments', 'span,')}
    ), text AS (
      UPDATE transcripts SET language = plain.language, duration_ms = round(plain.duration_ms),
        engine_used = plain.engine_used, model = plain.model, fallback_reason = nullif(plain.fallback_reason, ''),
        warnings = plain.warnings, speaker_roles = plain.speaker_roles, updated_at = now()
      FROM plain WHERE transcripts.id = plain.transcript_id
    ), ending AS (
      UPDATE transcript_jobs SET ${gotOn}, ${completedWith(stages, 'plain.events IS NOT NULL')},
        media_facts = coalesce(facts, media_facts), expected_ms = coalesce(plain.expected_ms, transcript_jobs.expected_ms)
      FROM plain WHERE transcript_jobs.id = plain.id
      RETURNING ${columns?.('transcript_jobs') ?? 'transcript_jobs.id'}
    )
    SELECT done.place, done.segments, ${lastSeq} AS last_seq ${columns ? `, ${columns('done')}` : ''}
    FROM (
      SELECT plain.place, plain.segments, plain.events, ending.* FROM plain JOIN ending ON ending.id = plain.id
      ORDER BY plain.place
    ) AS done`;
}
