import type { TranscriptSegment, TranscriptWord } from '#contracts';
import type { Transaction } from '../database.js';
import type { TranscriptSegmentEntity } from '../entities/index.js';
import { storableJson } from '../storable.js';

/** Rows of one INSERT: enough to make round trips cheap, few enough to keep its parameter small. */
const BATCH = 500;

/** Puts these segments in the place of those that the span had. Times are kept in whole milliseconds. */
export async function replaceSegments(
  { query }: Transaction,
  transcriptJobId: string,
  spanIndex: number,
  segments: readonly TranscriptSegment[],
): Promise<void> {
  await query('DELETE FROM transcript_segments WHERE transcript_job_id = $1 AND span_index = $2', [
    transcriptJobId,
    spanIndex,
  ]);
  for (let first = 0; first < segments.length; first += BATCH) {
    const rows = segments.slice(first, first + BATCH).map((segment, n) => toRow(segment, first + n));
    await query(
      `INSERT INTO transcript_segments (transcript_job_id, span_index, ordinal, segment_id, start_ms, end_ms, text,
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

export function toSegment(row: TranscriptSegmentEntity): TranscriptSegment {
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
