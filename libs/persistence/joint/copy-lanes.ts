import type { Transaction } from '../database.js';

/** Copies what several engines made of a job to another one that has the same spans. */
export async function copyLanes({ query }: Transaction, to: string, from: string): Promise<void> {
  const tables: Readonly<Record<string, string>> = {
    transcript_lanes: 'lane, engine, model, language, warnings, error_code, error_message',
    transcript_lane_segments:
      'span_index, ordinal, segment_id, start_ms, end_ms, text, speaker_tag, channel, confidence, words',
    transcript_comparisons: 'comparison',
  };
  for (const [table, columns] of Object.entries(tables)) {
    await query(
      `INSERT INTO ${table} (transcript_job_id, ${columns}) SELECT $1, ${columns} FROM ${table} WHERE transcript_job_id = $2`,
      [to, from],
    );
  }
}
