import type { DataSource } from 'typeorm';
import type { Job, JobOptions, MediaObject, RemoteMedia } from '#contracts';
import type { EventDraft } from '#events';
import type { Transaction } from '../database.js';
import { TranscriptJobEntity } from '../entities/index.js';
import { columnsOf, entityOf, type RowOf } from '../returned-row.js';
import { storableJson, storableText } from '../storable.js';
import { copyTranscript } from '../transcripts/copy-transcript.js';
import { takeUpload } from '../uploads/upload.repository.js';
import { toJob } from './job.mapper.js';
import { completed } from './job-sql.js';
import { digestOf } from './options-digest.js';

export interface NewJob {
  /** UUID. */
  readonly id: string;
  /** UUID. */
  readonly transcriptId: string;
  readonly options: JobOptions;
  readonly media: MediaObject | RemoteMedia;
  /** UUID of the upload that the media were taken from; no other job can be made of it. */
  readonly uploadId?: string;
}

/** The same for jobs that stand in one line, whatever else tells them apart. */
export function lineOf({ job: { options } }: Creation): string {
  return `${options.priority} ${digestOf(options)} ${options.sessionId ?? ''}`;
}

/** A job that is to be, and what goes into the log with it. */
export interface Creation {
  readonly job: NewJob;
  readonly news: EventDraft | undefined;
}

export interface Created {
  readonly job: Job;
  /** What the draft's expression gave; undefined where it was not evaluated. */
  readonly lastSeq?: string | number | null | undefined;
}

export interface InsertedRow extends RowOf {
  readonly job_id: string;
  readonly last_seq: string | number | null;
}

export function told({ news }: Creation, { job, lastSeq }: Created): Job {
  if (lastSeq !== undefined) void news?.tell(lastSeq);
  return job;
}

/** Jobs and their empty transcripts. */
const INSERT = `WITH given AS (SELECT * FROM json_to_recordset($1::json) AS job (job_id uuid, transcript_id uuid, engine text,
    engine_params text, session_id text, priority integer, options_digest text, media_filename text, source_url text,
    media_key text, media_bytes bigint, media_sha256 text, media_type text, media_facts text, is_remote boolean)
  ), transcript AS (INSERT INTO transcripts (id) SELECT transcript_id FROM given), job AS (
  INSERT INTO transcript_jobs (job_id, transcript_id, engine, engine_params, session_id, priority, options_digest,
    media_filename, source_url, media_key, media_bytes, media_sha256, media_type, media_facts, is_remote, stages)
  SELECT job_id, transcript_id, engine, engine_params::jsonb, session_id, priority, options_digest,
    media_filename, source_url, media_key, media_bytes, media_sha256, media_type, media_facts::jsonb, is_remote,
    jsonb_build_array(jsonb_build_object('name', 'queued', 'startedAt', clock_timestamp()))
  FROM given
  RETURNING `;

/** One statement for all of them. Its text depends on how many have news, and on nothing else. */
export function insertion(
  dataSource: DataSource,
  creations: readonly Creation[],
): { sql: string; parameters: unknown[] } {
  const parameters: unknown[] = [rowsOf(creations.map(({ job }) => job))];
  const cases: string[] = [];
  for (const { job, news } of creations) {
    if (!news) continue;
    const place = parameters.push(job.id);
    cases.push(`WHEN $${place}::uuid THEN ${news.sql(`$${place + 1}::json`)}`);
    parameters.push(JSON.stringify(news.addition));
  }
  const lastSeq = cases.length > 0 ? `CASE job_id ${cases.join(' ')} END` : 'NULL::bigint';
  const columns = columnsOf(dataSource, TranscriptJobEntity);
  return { sql: `${INSERT}${columns}) SELECT *, ${lastSeq} AS last_seq FROM job`, parameters };
}

/** What the statement is given: an array of objects as JSON. */
function rowsOf(jobs: readonly NewJob[]): string {
  return JSON.stringify(jobs.map(rowOf));
}

function rowOf({ id, transcriptId, options, media }: NewJob): RowOf {
  return {
    job_id: id,
    transcript_id: transcriptId,
    engine: options.engine,
    engine_params: storableJson(options),
    session_id: options.sessionId === undefined ? null : storableText(options.sessionId),
    priority: options.priority,
    options_digest: digestOf(options),
    media_filename: storableText(media.filename),
    ...sourceColumns(media),
    is_remote: options.worker === 'remote',
  };
}

export async function insertJob(transaction: Transaction, { job, news }: Creation): Promise<Created> {
  const { query, manager } = transaction;
  if (job.uploadId !== undefined) await takeUpload(transaction, job.uploadId);
  const { sql, parameters } = insertion(manager.dataSource, [{ job, news: undefined }]);
  const [row] = await query<InsertedRow>(sql, parameters);
  const entity = entityOf(manager.dataSource, TranscriptJobEntity, inserted(row));
  if (job.options.reuse === true && (await copyTranscript(transaction, entity.id))) {
    await query(`UPDATE transcript_jobs SET ${completed} WHERE id = $1`, [entity.id]);
    return { job: toJob(await manager.findOneByOrFail(TranscriptJobEntity, { id: entity.id })) };
  }
  const appended =
    news &&
    (await query<{ last_seq: string | null }>(`SELECT ${news.sql('$1::json')} AS last_seq`, [
      JSON.stringify(news.addition),
    ]));
  return { job: toJob(entity), lastSeq: appended?.[0]?.last_seq };
}

export function inserted(row: InsertedRow | undefined): InsertedRow {
  if (!row) throw new Error('An INSERT returned no row.');
  return row;
}

/** Where the media are to come from, and what is known of them. */
function sourceColumns(media: MediaObject | RemoteMedia): RowOf {
  if ('url' in media) {
    return { source_url: storableText(media.url), media_bytes: 0, media_sha256: '', media_type: '' };
  }
  return {
    media_key: media.key,
    media_bytes: media.bytes,
    media_sha256: media.sha256,
    media_type: media.mediaType,
    media_facts: media.facts ? storableJson(media.facts) : null,
  };
}
