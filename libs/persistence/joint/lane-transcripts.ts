import type { Comparison, EngineKind, ErrorCode, LaneTranscript, Transcript, TranscriptSegment } from '#contracts';
import type { TranscriptWarning } from '#contracts';
import type { Database } from '../database.js';
import { type SegmentRow, segmentColumns, toSegment } from '../transcripts/segment-store.js';

interface LaneRow {
  readonly engine: EngineKind;
  readonly model: string;
  readonly language: string;
  readonly warnings: readonly TranscriptWarning[];
  readonly code: ErrorCode | null;
  readonly message: string | null;
}

/** What several engines made of a finished job, and how they differ. */
export async function jointParts(
  database: Database,
  transcriptJobId: string,
): Promise<Pick<Transcript, 'lanes' | 'comparison'>> {
  const [kept] = await database.query<{ comparison: Comparison }>(
    'SELECT comparison FROM transcript_comparisons WHERE transcript_job_id = $1',
    [transcriptJobId],
  );
  if (!kept) return {};
  const lanes = await database.query<LaneRow>(
    `SELECT engine, model, language, warnings, error_code AS code, error_message AS message
     FROM transcript_lanes WHERE transcript_job_id = $1 ORDER BY lane`,
    [transcriptJobId],
  );
  const rows = await database.query<SegmentRow & { engine: EngineKind }>(
    `SELECT ${segmentColumns('segment')}, span.engine
     FROM transcript_lane_segments AS segment JOIN transcript_spans AS span USING (transcript_job_id, span_index)
     WHERE transcript_job_id = $1 ORDER BY segment.start_ms, span_index, segment.ordinal`,
    [transcriptJobId],
  );
  const segmentsOf = (lane: EngineKind) => rows.filter(({ engine }) => engine === lane).map(toSegment);
  return {
    comparison: kept.comparison,
    lanes: lanes.map(({ code, message, ...lane }): LaneTranscript => {
      if (code !== null) return { ...lane, segments: [], error: { code, message: message ?? '' } };
      return { ...lane, segments: withSpeakersInOrder(segmentsOf(lane.engine)) };
    }),
  };
}

/** Speaker tags from 0 in order of first speech, as those of any transcript. */
function withSpeakersInOrder(segments: readonly TranscriptSegment[]): TranscriptSegment[] {
  const numbers = new Map<number, number>();
  const tagged = <T extends { readonly speakerTag?: number }>(said: T): T => {
    if (said.speakerTag === undefined) return said;
    const number = numbers.get(said.speakerTag) ?? numbers.size;
    numbers.set(said.speakerTag, number);
    return { ...said, speakerTag: number };
  };
  return segments.map((segment) => {
    const words = segment.words?.map(tagged);
    return { ...tagged(segment), ...(words === undefined ? {} : { words }) };
  });
}
