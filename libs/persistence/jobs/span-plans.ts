import type { EngineKind } from '#contracts';
import { Batches } from '#timing';
import type { Database } from '../database.js';
import type { Lease } from './lease.js';
import { byHeldJob, heldJobs, type HeldRow, isOfOne } from './held-jobs.js';

/** A stretch of audio to be planned; times from the start of the audio. */
export interface PlannedSpan {
  readonly index: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly channel?: number;
  /** How much of its neighbours it hears as well; 0 by default. */
  readonly leadMs?: number;
  readonly tailMs?: number;
  /** Whether it is all of its channel; false by default. */
  readonly isWhole?: boolean;
}

/** A span that is being worked on, and by whom. */
export interface BegunSpan {
  readonly index: number;
  readonly engine: EngineKind;
  readonly instance: string;
}

/** Spans of a job that are to be written down. */
interface Plan {
  readonly lease: Lease;
  readonly spans: readonly PlannedSpan[];
  readonly begun: BegunSpan | undefined;
}

/** Plans that one statement writes. */
const BATCH_PLANS = 32;

/** Writes spans down, those of several jobs that come at the same moment in one statement and one commit. */
export class SpanPlans {
  private readonly plans = new Batches<Plan, boolean>({
    most: BATCH_PLANS,
    run: async (plans) => this.writeAll(plans),
    apart: ({ lease }) => lease.jobId,
    isOfOne,
  });

  constructor(private readonly database: Database) {}

  /** @returns false, with nothing written, when the lease is lost */
  write(lease: Lease, spans: readonly PlannedSpan[], begun: BegunSpan | undefined): Promise<boolean> {
    return this.plans.add({ lease, spans, begun });
  }

  private async writeAll(plans: readonly Plan[]): Promise<boolean[]> {
    const written = await byHeldJob(plans, rowOf, async (...given) => this.database.prepared<HeldRow>(WRITE, given));
    return written.map((row) => row !== undefined);
  }
}

function rowOf({ spans, begun }: Plan): object {
  return { spans, begun: begun?.index, engine: begun?.engine, instance: begun?.instance };
}

const WRITE = `${heldJobs('spans jsonb, begun integer, engine text, instance text')}, written AS (
    INSERT INTO transcript_spans (transcript_job_id, span_index, start_ms, end_ms, channel, is_whole, lead_ms, tail_ms,
      state, tries, engine, instance)
    SELECT job.id, span.index, round(span."startMs"), round(span."endMs"), span.channel,
      coalesce(span."isWhole", false), coalesce(round(span."leadMs"), 0), coalesce(round(span."tailMs"), 0),
      CASE WHEN begins THEN 'running' ELSE 'planned' END, begins::integer,
      CASE WHEN begins THEN job.engine END, CASE WHEN begins THEN job.instance END
    FROM job, jsonb_to_recordset(job.spans)
      AS span (index integer, "startMs" double precision, "endMs" double precision, channel smallint,
        "isWhole" boolean, "leadMs" double precision, "tailMs" double precision),
      LATERAL (SELECT span.index IS NOT DISTINCT FROM job.begun AS begins) AS beginning
    ON CONFLICT (transcript_job_id, span_index) DO UPDATE
    SET start_ms = excluded.start_ms, end_ms = excluded.end_ms, channel = excluded.channel,
      is_whole = excluded.is_whole, lead_ms = excluded.lead_ms, tail_ms = excluded.tail_ms,
      state = CASE WHEN excluded.state = 'running' THEN 'running' ELSE transcript_spans.state END,
      tries = transcript_spans.tries + excluded.tries, engine = coalesce(excluded.engine, transcript_spans.engine),
      instance = coalesce(excluded.instance, transcript_spans.instance), updated_at = now()
    WHERE transcript_spans.state <> 'done'
  )
  SELECT place FROM job`;
