import type { TranscriptSegment, TranscriptWord } from '#contracts';
import type { Transaction } from '../database.js';
import type { TranscriptSegmentEntity } from '../entities/index.js';
import { storableJson } from '../storable.js';

/** Segments of the job's own text, or of the engines that work on it side by side. */
export type SegmentTable = 'transcript_segments' | 'transcript_lane_segments';

/** Rows of one INSERT: enough to make round trips cheap, few enough to keep its parameter small. */
const BATCH = 500;

/** Puts these segments in the place of those that the span had. Times are kept in whole milliseconds. */
export async function replaceSegments(
  { query }: Transaction,
  transcriptJobId: string,
  spanIndex: number,
  segments: readonly TranscriptSegment[],
  table: SegmentTable = 'transcript_segments',
): Promise<void> {
  await query(`DELETE FROM ${table} WHERE transcript_job_id = $1 AND span_index = $2`, [transcriptJobId, spanIndex]);
  for (let first = 0; first < segments.length; first += BATCH) {
    const rows = segmentRows(segments.slice(first, first + BATCH), first);
    await query(segmentInsert('SELECT $1::bigint, $2::integer', '$3', '', table), [
      ...[transcriptJobId, spanIndex, storableJson(rows)],
    ]);
  }
}

/** The segments of a span as rows, the first of which has that number. */
export function segmentRows(segments: readonly TranscriptSegment[], first = 0): Record<string, unknown>[] {
  return segments.map((segment, n) => toRow(segment, first + n));
}

/**
 * @param owner `SELECT` of the row of the job and the index of the span
 * @param rows placeholder of `segmentRows` as JSON
 * @param from what the owner is selected from, with a comma; empty for nothing
 */
export function segmentInsert(
  owner: string,
  rows: string,
  from: string,
  table: SegmentTable = 'transcript_segments',
): string {
  return `INSERT INTO ${table} (transcript_job_id, span_index, ordinal, segment_id, start_ms, end_ms, text, speaker_tag,
      channel, confidence, words)
    ${owner}, ordinal, segment_id, start_ms, end_ms, text, speaker_tag, channel, confidence, words
    FROM ${from} jsonb_to_recordset(${rows}::jsonb) AS segment (ordinal integer, segment_id text, start_ms integer,
      end_ms integer, text text, speaker_tag integer, channel smallint, confidence real, words jsonb)`;
}

function toRow(segment: TranscriptSegment, ordinal: number): Record<string, unknown> {
  return {
    ordinal,
    segment_id: segment.id,
    start_ms: Math.round(segment.startMs),
    end_ms: Math.round(segment.endMs),
    text: segment.text,
    speaker_tag: segment.speakerTag,
    channel: segment.channel,
    confidence: segment.confidence,
    words: segment.words?.map(toWholeMs),
  };
}

function toWholeMs(word: TranscriptWord): TranscriptWord {
  return { ...word, startMs: Math.round(word.startMs), endMs: Math.round(word.endMs) };
}

/** A row of either table. */
export type SegmentRow = Omit<TranscriptSegmentEntity, 'transcriptJobId'>;

/** The columns of a table of segments under the names of a row. */
export function segmentColumns(table: string): string {
  const names = { segmentId: 'segment_id', spanIndex: 'span_index', startMs: 'start_ms', endMs: 'end_ms' };
  const renamed = Object.entries({ ...names, speakerTag: 'speaker_tag' });
  return [
    ...renamed.map(([name, column]) => `${table}.${column} AS "${name}"`),
    ...['ordinal', 'text', 'channel', 'confidence', 'words'].map((column) => `${table}.${column}`),
  ].join(', ');
}

/** The segments of some spans, in time order. */
export async function segmentsOfSpans(
  { query }: Transaction,
  transcriptJobId: string,
  spans: readonly number[],
  table: SegmentTable,
): Promise<TranscriptSegment[]> {
  const rows = await query<SegmentRow>(
    `SELECT ${segmentColumns('segment')} FROM ${table} AS segment
     WHERE transcript_job_id = $1 AND span_index = ANY($2::integer[]) ORDER BY start_ms, span_index, ordinal`,
    [transcriptJobId, spans],
  );
  return rows.map(toSegment);
}

export function toSegment(row: SegmentRow): TranscriptSegment {
  return {
    id: row.segmentId,
    span: row.spanIndex,
    startMs: row.startMs,
    endMs: row.endMs,
    text: row.text,
    ...(row.speakerTag === null ? {} : { speakerTag: row.speakerTag }),
    ...(row.channel === null ? {} : { channel: row.channel }),
    ...(row.confidence === null ? {} : { confidence: row.confidence }),
    ...(row.words === null ? {} : { words: row.words }),
  };
}
