import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs that several engines do side by side: a lane each. Forward only: `down` is never run. */
export class JointTranscripts1790000000023 implements MigrationInterface {
  readonly name = 'JointTranscripts1790000000023';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  `ALTER TABLE transcript_jobs DROP CONSTRAINT ck_transcript_jobs_engine,
    ADD CONSTRAINT ck_transcript_jobs_engine
      CHECK (engine IN ('auto', 'asr', 'whisperx', 'local', 'compare', 'consensus'))`,
  // What each engine wrote. The text that the job is known for stands in transcript_segments, as that of any job.
  `CREATE TABLE transcript_lane_segments (
    transcript_job_id bigint NOT NULL,
    span_index integer NOT NULL,
    ordinal integer NOT NULL,
    segment_id text NOT NULL,
    start_ms integer NOT NULL,
    end_ms integer NOT NULL,
    text text NOT NULL,
    speaker_tag integer,
    channel smallint,
    confidence real,
    words jsonb,
    CONSTRAINT pk_transcript_lane_segments PRIMARY KEY (transcript_job_id, span_index, ordinal),
    CONSTRAINT fk_transcript_lane_segments_span FOREIGN KEY (transcript_job_id, span_index)
      REFERENCES transcript_spans (transcript_job_id, span_index) ON DELETE CASCADE,
    CONSTRAINT ck_transcript_lane_segments_times CHECK (start_ms >= 0 AND end_ms >= start_ms)
  )`,
  // A lane without an error has gone through the whole recording once the job has completed.
  `CREATE TABLE transcript_lanes (
    transcript_job_id bigint NOT NULL
      CONSTRAINT fk_transcript_lanes_job REFERENCES transcript_jobs (id) ON DELETE CASCADE,
    lane smallint NOT NULL,
    engine text NOT NULL,
    model text NOT NULL DEFAULT '',
    language text NOT NULL DEFAULT '',
    warnings jsonb NOT NULL DEFAULT '[]',
    error_code text,
    error_message text,
    CONSTRAINT pk_transcript_lanes PRIMARY KEY (transcript_job_id, lane),
    CONSTRAINT ck_transcript_lanes_engine CHECK (engine IN ('asr', 'whisperx', 'local')),
    CONSTRAINT ck_transcript_lanes_error CHECK ((error_code IS NULL) = (error_message IS NULL))
  )`,
  `CREATE TABLE transcript_comparisons (
    transcript_job_id bigint NOT NULL
      CONSTRAINT fk_transcript_comparisons_job REFERENCES transcript_jobs (id) ON DELETE CASCADE,
    comparison jsonb NOT NULL,
    CONSTRAINT pk_transcript_comparisons PRIMARY KEY (transcript_job_id)
  )`,
];
