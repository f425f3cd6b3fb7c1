import type { Transaction } from '../database.js';

/** Rows that hold a speaker tag, in the segment or in its words. */
const tagged = `transcript_job_id = $1 AND (speaker_tag IS NOT NULL OR words @? '$[*].speakerTag')`;

/**
 * Renumbers the speaker tags of a whole transcript from 0 in order of first speech. Engines count from 0 or 1, or in the
 * order in which they found the voices. Writes nothing when the numbers are right already.
 */
export async function renumberSpeakers({ query }: Transaction, transcriptJobId: string): Promise<void> {
  const speakers = await query<{ tag: number }>(
    `SELECT tag FROM (
       SELECT speaker_tag AS tag, start_ms AS at FROM transcript_segments
       WHERE transcript_job_id = $1 AND speaker_tag IS NOT NULL
       UNION ALL
       SELECT (word->>'speakerTag')::integer, (word->>'startMs')::integer
       FROM transcript_segments, jsonb_array_elements(words) AS word
       WHERE transcript_job_id = $1 AND word ? 'speakerTag'
     ) AS speech
     GROUP BY tag ORDER BY min(at), tag`,
    [transcriptJobId],
  );
  if (speakers.every(({ tag }, position) => tag === position)) return;
  const positions = JSON.stringify(Object.fromEntries(speakers.map(({ tag }, position) => [tag, position])));
  await query(
    `UPDATE transcript_segments
     SET speaker_tag = ($2::jsonb->>speaker_tag::text)::integer,
       words = (
         SELECT jsonb_agg(CASE WHEN word ? 'speakerTag'
           THEN jsonb_set(word, '{speakerTag}', $2::jsonb->(word->>'speakerTag')) ELSE word END ORDER BY place)
         FROM jsonb_array_elements(words) WITH ORDINALITY AS element (word, place))
     WHERE ${tagged}`,
    [transcriptJobId, positions],
  );
}
