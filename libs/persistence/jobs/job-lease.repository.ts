import type {
  EngineKind,
  ErrorCode,
  FailedAttempt,
  MediaObject,
  TranscriptSegment,
  TranscriptWarning,
} from '#contracts';
import { PolyscribeError } from '#contracts';
import { In } from 'typeorm';
import type { Database, Transaction } from '../database.js';
import { TranscriptSegmentEntity } from '../entities/index.js';
import { LaneLeases } from '../joint/lane-leases.js';
import { storableJson, storableText } from '../storable.js';
import { copyTranscript } from '../transcripts/copy-transcript.js';
import { replaceSegments, type SegmentTable, toSegment } from '../transcripts/segment-store.js';
import { renumberSpeakers } from '../transcripts/speaker-numbers.js';
import { claimJob } from './claim-job.js';
import {
  completeAlone,
  type CompletedJob,
  type EndParts,
  JobEnds,
  type JobResult,
  type NotedFacts,
} from './job-ends.js';
import {
  type BegunStage,
  cancelled,
  ended,
  fromNow,
  MAX_FAILED_ATTEMPTS,
  MAX_STAGES,
  stagesClosed,
  stagesWith,
} from './job-sql.js';
import { type Claim, type Lease, LeaseLostError } from './lease.js';
import { commitPlainSpan, held, heldJob } from './lease-statements.js';
import { type BegunSpan, type PlannedSpan, SpanPlans } from './span-plans.js';

export type { CompletedJob, EndParts, JobResult, LastSpan, NotedFacts } from './job-ends.js';
export type { BegunSpan, PlannedSpan } from './span-plans.js';

export interface SpanResult {
  /** In time order. */
  readonly segments: readonly TranscriptSegment[];
  readonly engine: EngineKind;
  readonly instance: string;
  readonly model: string;
  readonly language: string;
  readonly warnings: readonly TranscriptWarning[];
  /** Spans done before whose segments were joined with its own. */
  readonly neighbours?: readonly { readonly index: number; readonly segments: readonly TranscriptSegment[] }[];
  /** Spans whose overlap with the one before is joined by that. */
  readonly joined?: readonly number[];
  /** Where it lies, unless that is written already. */
  readonly place?: PlannedSpan;
}

/** Progress as a worker reports it. */
export interface ProgressNote {
  readonly progress: number;
  readonly stage: string;
  readonly message: string;
  /** Those that have begun since the last report, this one's last; by default it begins now. */
  readonly stages?: readonly BegunStage[];
}

const MAX_MESSAGE_CHARS = 1_000;

/** How and why a worker puts a job back. */
export interface GiveBack {
  readonly afterMs: number;
  /** False when the worker gives it back for reasons that are not the job's, such as its own shutdown. */
  readonly countAttempt: boolean;
  /** What it waits for: a full engine, or something that is away. The claim tells for how long already. */
  readonly waitsFor?: 'busy' | 'outage';
}

/**
 * Jobs as the worker that has one sees and changes it. Each write goes through only while the lease's token is the
 * row's: a worker that was thought dead and comes back writes nothing.
 *
 * @throws LeaseLostError from every method that takes a lease, `renew` apart, when it is no longer the row's
 */
export class JobLeaseRepository {
  /** The lanes of jobs that several engines do side by side. */
  readonly lanes = new LaneLeases((lease, work) => this.whileHeld(lease, work));

  private readonly plans: SpanPlans;
  private readonly ends: JobEnds;

  constructor(protected readonly database: Database) {
    this.plans = new SpanPlans(database);
    this.ends = new JobEnds(database);
  }

  /**
   * Takes a job that waits and is due, or whose worker let its lease run out. Among several that try, one wins.
   *
   * @returns undefined when there is nothing to do: another worker has it, it is not due, it has ended, it does not
   *   exist, or it was ended here because it was cancelled or has used up its attempts
   */
  async claim(jobId: string, workerId: string, leaseMs: number): Promise<Claim | undefined> {
    return this.database.transaction((transaction) => claimJob(transaction, jobId, workerId, leaseMs));
  }

  /** Makes the lease last `leaseMs` from now, and tells whether the job is still wanted. */
  async renew(lease: Lease, leaseMs: number): Promise<'held' | 'cancel_requested' | 'lost'> {
    const [row] = await this.database.prepared<{ cancel: boolean }>(
      `UPDATE transcript_jobs SET lease_until = ${fromNow('$3')} WHERE ${held} RETURNING cancel_requested AS cancel`,
      [lease.jobId, lease.token, leaseMs],
    );
    if (!row) return 'lost';
    return row.cancel ? 'cancel_requested' : 'held';
  }

  /** Progress from 0 to 100; a lower one than before is raised to that. A new stage ends the one before. */
  async reportProgress(lease: Lease, report: ProgressNote): Promise<void> {
    const stages = report.stages ?? [{ name: report.stage, agoMs: 0 }];
    await this.updateHeld(
      lease,
      `updated_at = now(), progress = greatest(progress, least(100, greatest(0, $3::double precision))),
       stage = $4::text, message = $5, stages = ${stagesWith('$6', '$7')}`,
      [
        ...[report.progress, report.stage, storableText(report.message).slice(0, MAX_MESSAGE_CHARS)],
        ...[storableJson(stages), MAX_STAGES],
      ],
    );
  }

  /** Notes that the recording has been fetched. It must be in the object store already. */
  async recordMedia(lease: Lease, media: MediaObject): Promise<void> {
    await this.updateHeld(
      lease,
      `updated_at = now(), media_key = $3, media_filename = $4, media_bytes = $5, media_sha256 = $6, media_type = $7`,
      [media.key, storableText(media.filename), media.bytes, media.sha256, media.mediaType],
    );
  }

  /** Notes what the headers of the recording say, and how long the engines should take for all of it. */
  async recordFacts(lease: Lease, { media, expectedMs }: NotedFacts): Promise<void> {
    await this.updateHeld(
      lease,
      'updated_at = now(), media_facts = coalesce($3, media_facts), expected_ms = coalesce($4, expected_ms)',
      [media ? storableJson(media) : null, expectedMs ?? null],
    );
  }

  /**
   * Takes the transcript that the same recording and options gave before, if there is one and nothing was begun: spans and
   * segments are copied, so that either may be erased without the other. The job still has to be completed. Repeating it
   * gives the same.
   */
  async reuse(lease: Lease): Promise<JobResult | undefined> {
    return this.whileHeld(lease, (transaction, id) => copyTranscript(transaction, id));
  }

  /**
   * Writes spans down before they are worked on, and that one has begun, which may be among them. Repeating it changes
   * nothing but the number of its tries; a span that is done is left alone.
   */
  async planSpans(lease: Lease, spans: readonly PlannedSpan[], begun?: BegunSpan): Promise<void> {
    if (begun && !spans.some(({ index }) => index === begun.index)) {
      if (spans.length > 0) await this.planSpans(lease, spans);
      return this.startSpan(lease, begun.index, begun);
    }
    if (!(await this.plans.write(lease, spans, begun))) throw new LeaseLostError(lease);
  }

  /** Marks a span as being worked on. One that is done is left alone. */
  async startSpan(lease: Lease, index: number, by: { engine: EngineKind; instance: string }): Promise<void> {
    await this.writeHeld(
      lease,
      `UPDATE transcript_spans SET state = 'running', tries = tries + 1, engine = $4, instance = $5, updated_at = now()
       FROM job WHERE transcript_job_id = job.id AND span_index = $3 AND state <> 'done'`,
      [index, by.engine, storableText(by.instance)],
    );
  }

  /** Adds a failed engine call to the job's history, of which the last 50 are kept. */
  async recordFailedAttempt(lease: Lease, attempt: FailedAttempt): Promise<void> {
    const { engine, instance, code, message } = attempt;
    const entry = { engine, instance, code, message: message.slice(0, MAX_MESSAGE_CHARS) };
    const history = `coalesce(error_details->'attempts', '[]')`;
    await this.updateHeld(
      lease,
      `updated_at = now(), error_details = coalesce(error_details, '{}') || jsonb_build_object('attempts', CASE
         WHEN jsonb_array_length(${history}) >= $4::integer THEN ${history} - 0 ELSE ${history} END || $3::jsonb)`,
      [storableJson([entry]), MAX_FAILED_ATTEMPTS],
    );
  }

  /**
   * Writes a span's segments and that it is done, both or neither. A span that is done already stays as it is.
   *
   * @throws PolyscribeError `internal` when the span was never planned
   */
  async commitSpan(
    lease: Lease,
    index: number,
    result: SpanResult,
    into: SegmentTable = 'transcript_segments',
  ): Promise<void> {
    if (result.place) await this.planSpans(lease, [result.place]);
    const isAlone = (result.neighbours ?? []).length === 0 && (result.joined ?? []).length === 0;
    const query: Transaction['query'] = (sql, parameters) => this.database.prepared(sql, parameters);
    if (isAlone && into === 'transcript_segments' && (await commitPlainSpan(query, lease, index, result))) return;
    await this.whileHeld(lease, async (transaction, id) => {
      const [span] = await transaction.query<{ state: string }>(
        'SELECT state FROM transcript_spans WHERE transcript_job_id = $1 AND span_index = $2',
        [id, index],
      );
      if (!span) throw new PolyscribeError('internal', `Span ${String(index)} was never planned.`);
      if (span.state === 'done') return;
      await replaceSegments(transaction, id, index, result.segments, into);
      for (const other of result.neighbours ?? []) {
        await replaceSegments(transaction, id, other.index, other.segments, into);
      }
      await transaction.query(
        `UPDATE transcript_spans
         SET state = 'done', engine = $3, instance = $4, model = $5, language = $6, warnings = $7, updated_at = now()
         WHERE transcript_job_id = $1 AND span_index = $2`,
        [
          ...[id, index, result.engine, ...[result.instance, result.model, result.language].map(storableText)],
          storableJson(result.warnings),
        ],
      );
      if (result.joined !== undefined && result.joined.length > 0) {
        await transaction.query(
          'UPDATE transcript_spans SET is_joined = true WHERE transcript_job_id = $1 AND span_index = ANY($2::integer[])',
          [id, result.joined],
        );
      }
      // The job gets on: what it waits for from now on is another matter, and so is what it dies of.
      await transaction.query(
        `UPDATE transcript_jobs SET busy_since = NULL, outage_since = NULL, fruitful_attempts = attempts
         WHERE id = $1 AND (busy_since IS NOT NULL OR outage_since IS NOT NULL OR fruitful_attempts < attempts)`,
        [id],
      );
    });
  }

  /** The segments of some of its spans, in order. */
  async segmentsOf(lease: Lease, spans: readonly number[]): Promise<TranscriptSegment[]> {
    return this.whileHeld(lease, async ({ manager }, id) => {
      const rows = await manager.find(TranscriptSegmentEntity, {
        where: { transcriptJobId: id, spanIndex: In([...spans]) },
        order: { spanIndex: 'ASC', ordinal: 'ASC' },
      });
      return rows.map(toSegment);
    });
  }

  /**
   * What each speaker of the job says, in time order, with the tags that the transcript will have. Segments without a
   * speaker are left out.
   */
  async speech(lease: Lease): Promise<{ speakerTag: number; text: string }[]> {
    return this.whileHeld(lease, async (transaction, id) => {
      await renumberSpeakers(transaction, id);
      return transaction.query<{ speakerTag: number; text: string }>(
        `SELECT speaker_tag AS "speakerTag", text FROM transcript_segments
         WHERE transcript_job_id = $1 AND speaker_tag IS NOT NULL ORDER BY start_ms, span_index, ordinal`,
        [id],
      );
    });
  }

  /**
   * Ends the job well. Speaker tags of the whole transcript become 0, 1, 2 in order of first speech.
   *
   * @returns how many segments the transcript has
   * @throws PolyscribeError `internal` when a span is not done
   */
  async complete(lease: Lease, result: JobResult): Promise<number> {
    const plain = await completeAlone((...given) => this.database.prepared(...given), lease, result, false);
    if (plain !== undefined) return plain;
    return this.whileHeld(lease, async (transaction, id) => {
      const open = await transaction.query(
        `SELECT 1 FROM transcript_spans WHERE transcript_job_id = $1 AND state <> 'done' LIMIT 1`,
        [id],
      );
      if (open.length > 0) throw new PolyscribeError('internal', 'The job has spans that are not done.');
      await renumberSpeakers(transaction, id);
      return (await completeAlone(transaction.query, lease, result, true)) ?? 0;
    });
  }

  /**
   * The same in one commit with what goes along, where that is simple: no speaker is named, and no span is open but the one
   * that goes along. The end counts as announced, as its events are written with it.
   *
   * @returns undefined, with nothing written, where that is not so, or the lease is lost
   */
  async completeWith(lease: Lease, result: JobResult, parts: EndParts): Promise<CompletedJob | undefined> {
    return this.ends.write(lease, result, parts);
  }

  /**
   * Ends the job badly. The failed engine calls recorded so far stay in its history.
   *
   * @param failure.dropMedia notes that its media are of no use and go now; the caller removes them afterwards
   */
  async fail(
    lease: Lease,
    failure: { code: ErrorCode; message: string; retryable: boolean; dropMedia?: boolean },
  ): Promise<void> {
    const { code, retryable, dropMedia = false } = failure;
    const message = storableText(failure.message).slice(0, MAX_MESSAGE_CHARS);
    await this.updateHeld(
      lease,
      `status = 'failed', stage = 'failed', message = $4, ${ended},
       error_details = coalesce(error_details, '{}') || $3::jsonb,
       media_removed_at = CASE WHEN $5::boolean THEN clock_timestamp() END`,
      [storableJson({ code, message, retryable }), message, dropMedia],
    );
  }

  /** Ends the job because its client no longer wants it. */
  async cancelled(lease: Lease): Promise<void> {
    await this.updateHeld(lease, cancelled, []);
  }

  /**
   * Puts the job back so that another worker may take it `afterMs` from now. A job whose cancel was asked for meanwhile
   * ends instead.
   *
   * @returns what the job is now
   */
  async giveBack(lease: Lease, how: GiveBack): Promise<'queued' | 'cancelled'> {
    return this.whileHeld(lease, async ({ query }, id, cancelRequested) => {
      if (cancelRequested) {
        await query(`UPDATE transcript_jobs SET ${cancelled} WHERE id = $1`, [id]);
        return 'cancelled';
      }
      await query(
        `UPDATE transcript_jobs
         SET status = 'queued', stage = 'queued', message = '', lease_token = NULL, lease_until = NULL,
           not_before = ${fromNow('$2')}, attempts = greatest(0, attempts - $3::integer), updated_at = now(),
           fruitful_attempts = least(fruitful_attempts, greatest(0, attempts - $3::integer)),
           busy_since = CASE WHEN $5 = 'busy' THEN coalesce(busy_since, clock_timestamp()) ELSE busy_since END,
           outage_since = CASE $5 WHEN 'busy' THEN NULL WHEN 'outage' THEN coalesce(outage_since, clock_timestamp())
             ELSE outage_since END,
           stages = ${stagesClosed} || CASE WHEN jsonb_array_length(stages) >= $4::integer THEN '[]'::jsonb
             ELSE jsonb_build_array(jsonb_build_object('name', 'queued', 'startedAt', clock_timestamp())) END
         WHERE id = $1`,
        [id, how.afterMs, how.countAttempt ? 0 : 1, MAX_STAGES, how.waitsFor ?? ''],
      );
      return 'queued';
    });
  }

  /** One statement on what belongs to the row, which is `job`; `$1` and `$2` are taken. */
  private async writeHeld(lease: Lease, write: string, parameters: readonly unknown[]): Promise<void> {
    const rows = await this.database.prepared(`${heldJob}, written AS (${write}) SELECT FROM job`, [
      lease.jobId,
      lease.token,
      ...parameters,
    ]);
    if (rows.length === 0) throw new LeaseLostError(lease);
  }

  /** One statement on the row; `$1` and `$2` are taken. */
  private async updateHeld(lease: Lease, set: string, parameters: readonly unknown[]): Promise<void> {
    const rows = await this.database.prepared(`UPDATE transcript_jobs SET ${set} WHERE ${held} RETURNING id`, [
      lease.jobId,
      lease.token,
      ...parameters,
    ]);
    if (rows.length === 0) throw new LeaseLostError(lease);
  }

  /** Several statements with the row locked: nobody can claim the job before they are committed. */
  protected async whileHeld<T>(
    lease: Lease,
    work: (transaction: Transaction, id: string, cancelRequested: boolean) => Promise<T>,
  ): Promise<T> {
    return this.database.transaction(async (transaction) => {
      const [row] = await transaction.query<{ id: string; cancel: boolean }>(
        `SELECT id, cancel_requested AS cancel FROM transcript_jobs WHERE ${held} FOR UPDATE`,
        [lease.jobId, lease.token],
      );
      if (!row) throw new LeaseLostError(lease);
      return work(transaction, row.id, row.cancel);
    });
  }
}
