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
    const rows = segments.slice(first, first + BATCH).map((segment, n) => toRow(segment, first + n));
    await query(
      `INSERT INTO ${table} (transcript_job_id, span_index, ordinal, segment_id, start_ms, end_ms, text,
         speaker_tag, channel, confidence, words)
       SELECT $1, $2, ordinal, segment_id, start_ms, end_ms, text, speaker_tag, channel, confidence, words
       FROM jsonb_to_recordset($3::jsonb) AS segment (ordinal integer, segment_id text, start_ms integer, end_ms integer,
         text text, speaker_tag integer, channel smallint, confidence real, words jsonb)`,
      [transcriptJobId, spanIndex, storableJson(rows)],
    );
  }
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
