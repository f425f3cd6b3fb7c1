import type { Comparison, EngineKind, ErrorCode, TranscriptSegment, TranscriptWarning } from '#contracts';
import type { Transaction } from '../database.js';
import type { Lease } from '../jobs/lease.js';
import { storableJson, storableText } from '../storable.js';
import { replaceSegments, segmentsOfSpans } from '../transcripts/segment-store.js';

const MAX_MESSAGE_CHARS = 1_000;

/** A lane of a job: one of the engines that work on it side by side. */
export interface Lane {
  /** From 0, preferred first. */
  readonly lane: number;
  readonly engine: EngineKind;
}

export interface LaneFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a lane came to. */
export interface LaneEnd extends Lane {
  readonly model: string;
  readonly language: string;
  readonly warnings: readonly TranscriptWarning[];
}

/** Runs statements with the job's row locked, as long as its lease is held. @throws LeaseLostError */
export type WhileHeld = <T>(lease: Lease, work: (transaction: Transaction, id: string) => Promise<T>) => Promise<T>;

/** The lanes of a job as the worker that has it sees and changes them; every method throws LeaseLostError. */
export class LaneLeases {
  constructor(private readonly whileHeld: WhileHeld) {}

  /** The lanes that have failed, in order. */
  async failed(lease: Lease): Promise<(Lane & LaneFailure)[]> {
    return this.whileHeld(lease, ({ query }, id) =>
      query<Lane & LaneFailure>(
        `SELECT lane, engine, error_code AS code, error_message AS message FROM transcript_lanes
         WHERE transcript_job_id = $1 AND error_code IS NOT NULL ORDER BY lane`,
        [id],
      ),
    );
  }

  /** Notes that a lane has failed for good; what it had still to do is no longer part of the job. */
  async fail(lease: Lease, { lane, engine }: Lane, failure: LaneFailure, spans: readonly number[]): Promise<void> {
    await this.whileHeld(lease, async ({ query }, id) => {
      await query(
        `INSERT INTO transcript_lanes (transcript_job_id, lane, engine, error_code, error_message)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (transcript_job_id, lane) DO UPDATE
         SET error_code = excluded.error_code, error_message = excluded.error_message`,
        [id, lane, engine, failure.code, storableText(failure.message).slice(0, MAX_MESSAGE_CHARS)],
      );
      await query(
        `DELETE FROM transcript_spans WHERE transcript_job_id = $1 AND span_index = ANY($2::integer[]) AND state <> 'done'`,
        [id, spans],
      );
    });
  }

  /** Lets lanes that have failed be tried again. */
  async revive(lease: Lease): Promise<void> {
    await this.whileHeld(lease, async ({ query }, id) => {
      await query('DELETE FROM transcript_lanes WHERE transcript_job_id = $1', [id]);
    });
  }

  /** What lanes wrote in these spans, in time order. */
  async segments(lease: Lease, spans: readonly number[]): Promise<TranscriptSegment[]> {
    return this.whileHeld(lease, (transaction, id) =>
      segmentsOfSpans(transaction, id, spans, 'transcript_lane_segments'),
    );
  }

  /** Puts these in the place of what the job's own text had in a span. */
  async settle(lease: Lease, span: number, segments: readonly TranscriptSegment[]): Promise<void> {
    await this.whileHeld(lease, (transaction, id) => replaceSegments(transaction, id, span, segments));
  }

  /** Writes what the lanes came to; repeating it changes nothing. */
  async end(lease: Lease, lanes: readonly LaneEnd[], comparison: Comparison): Promise<void> {
    await this.whileHeld(lease, async ({ query }, id) => {
      await query(
        `INSERT INTO transcript_lanes (transcript_job_id, lane, engine, model, language, warnings)
         SELECT $1, lane, engine, model, language, warnings FROM jsonb_to_recordset($2::jsonb)
           AS given (lane smallint, engine text, model text, language text, warnings jsonb)
         ON CONFLICT (transcript_job_id, lane) DO UPDATE
         SET model = excluded.model, language = excluded.language, warnings = excluded.warnings`,
        [id, storableJson(lanes)],
      );
      await query(
        `INSERT INTO transcript_comparisons (transcript_job_id, comparison) VALUES ($1, $2)
         ON CONFLICT (transcript_job_id) DO UPDATE SET comparison = excluded.comparison`,
        [id, storableJson(comparison)],
      );
    });
  }
}
