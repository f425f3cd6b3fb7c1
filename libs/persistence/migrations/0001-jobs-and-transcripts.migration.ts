import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs, their spans and segments, and the transcripts that they become. Forward only: `down` is never run. */
export class JobsAndTranscripts1790000000001 implements MigrationInterface {
  readonly name = 'JobsAndTranscripts1790000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...tables, ...indexes]) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const tables = [
  `CREATE TABLE transcripts (
    id uuid NOT NULL CONSTRAINT pk_transcripts PRIMARY KEY,
    language text,
    duration_ms integer CONSTRAINT ck_transcripts_duration CHECK (duration_ms >= 0),
    engine_used text,
    model text,
    fallback_reason text,
    warnings jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  `CREATE TABLE transcript_jobs (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_transcript_jobs PRIMARY KEY,
    job_id uuid NOT NULL CONSTRAINT uq_transcript_jobs_job UNIQUE,
    transcript_id uuid NOT NULL CONSTRAINT uq_transcript_jobs_transcript UNIQUE
      CONSTRAINT fk_transcript_jobs_transcript REFERENCES transcripts (id) ON DELETE CASCADE,
    engine text NOT NULL DEFAULT 'asr',
    engine_params jsonb NOT NULL,
    session_id text,
    priority smallint NOT NULL DEFAULT 0,
    media_key text NOT NULL,
    media_filename text NOT NULL,
    media_bytes bigint NOT NULL,
    media_sha256 text NOT NULL,
    media_type text NOT NULL,
    status text NOT NULL DEFAULT 'queued',
    progress double precision NOT NULL DEFAULT 0,
    stage text NOT NULL DEFAULT 'queued',
    message text NOT NULL DEFAULT '',
    stages jsonb NOT NULL DEFAULT '[]',
    worker_id text,
    attempts integer NOT NULL DEFAULT 0,
    max_retries integer NOT NULL DEFAULT 3,
    run integer NOT NULL DEFAULT 0,
    lease_token uuid,
    lease_until timestamptz(3),
    not_before timestamptz(3) NOT NULL DEFAULT now(),
    cancel_requested boolean NOT NULL DEFAULT false,
    announced boolean NOT NULL DEFAULT false,
    error_details jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    started_at timestamptz(3),
    completed_at timestamptz(3),
    CONSTRAINT ck_transcript_jobs_engine CHECK (engine IN ('auto', 'asr', 'whisperx', 'local')),
    CONSTRAINT ck_transcript_jobs_status CHECK (status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')),
    CONSTRAINT ck_transcript_jobs_progress CHECK (progress BETWEEN 0 AND 100),
    CONSTRAINT ck_transcript_jobs_priority CHECK (priority BETWEEN 0 AND 9),
    CONSTRAINT ck_transcript_jobs_counts CHECK (attempts >= 0 AND max_retries >= 0 AND run >= 0 AND media_bytes >= 0),
    CONSTRAINT ck_transcript_jobs_lease
      CHECK ((status = 'processing') = (lease_token IS NOT NULL) AND (lease_token IS NULL) = (lease_until IS NULL)),
    CONSTRAINT ck_transcript_jobs_end
      CHECK ((status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL))
  )`,
  `CREATE TABLE transcript_spans (
    transcript_job_id bigint NOT NULL
      CONSTRAINT fk_transcript_spans_job REFERENCES transcript_jobs (id) ON DELETE CASCADE,
    span_index integer NOT NULL,
    start_ms integer NOT NULL,
    end_ms integer NOT NULL,
    channel smallint,
    state text NOT NULL DEFAULT 'planned',
    tries integer NOT NULL DEFAULT 0,
    engine text,
    instance text,
    model text,
    language text,
    warnings jsonb NOT NULL DEFAULT '[]',
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT pk_transcript_spans PRIMARY KEY (transcript_job_id, span_index),
    CONSTRAINT ck_transcript_spans_state CHECK (state IN ('planned', 'running', 'done')),
    CONSTRAINT ck_transcript_spans_times CHECK (span_index >= 0 AND start_ms >= 0 AND end_ms >= start_ms)
  )`,
  `CREATE TABLE transcript_segments (
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
    CONSTRAINT pk_transcript_segments PRIMARY KEY (transcript_job_id, span_index, ordinal),
    CONSTRAINT fk_transcript_segments_span FOREIGN KEY (transcript_job_id, span_index)
      REFERENCES transcript_spans (transcript_job_id, span_index) ON DELETE CASCADE,
    CONSTRAINT ck_transcript_segments_times CHECK (start_ms >= 0 AND end_ms >= start_ms)
  )`,
];

const indexes = [
  // Lists: newest first, by themselves or narrowed down.
  'CREATE INDEX ix_transcript_jobs_created ON transcript_jobs (created_at, id)',
  'CREATE INDEX ix_transcript_jobs_status ON transcript_jobs (status, created_at, id)',
  'CREATE INDEX ix_transcript_jobs_session ON transcript_jobs (session_id, created_at, id) WHERE session_id IS NOT NULL',
  // The reconciler looks often, and what it looks for is rare: both indexes stay small however many jobs there were.
  `CREATE INDEX ix_transcript_jobs_unfinished ON transcript_jobs (id) WHERE status IN ('queued', 'processing')`,
  `CREATE INDEX ix_transcript_jobs_unannounced ON transcript_jobs (id)
    WHERE NOT announced AND status IN ('completed', 'failed', 'cancelled')`,
];
