import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs that workers elsewhere do, and what they were offered last. Forward only: `down` is never run. */
export class RemoteWorkers1790000000017 implements MigrationInterface {
  readonly name = 'RemoteWorkers1790000000017';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  `ALTER TABLE transcript_jobs ADD COLUMN is_remote boolean NOT NULL DEFAULT false, ADD COLUMN mesh_reason text`,
  `CREATE INDEX ix_transcript_jobs_remote ON transcript_jobs (id)
   WHERE is_remote AND status IN ('queued', 'processing')`,
  `CREATE TABLE remote_offers (
    job_id uuid NOT NULL CONSTRAINT pk_remote_offers PRIMARY KEY
      CONSTRAINT fk_remote_offers_job REFERENCES transcript_jobs (job_id) ON DELETE CASCADE,
    offer_id uuid NOT NULL,
    run integer NOT NULL,
    state text NOT NULL DEFAULT 'open'
      CONSTRAINT ck_remote_offers_state CHECK (state IN ('open', 'taken', 'failed', 'done')),
    duration_ms integer NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    endpoint_id uuid,
    worker_id text,
    lease_token uuid,
    ends_at timestamptz(3),
    last_sequence bigint NOT NULL DEFAULT 0,
    message_ids text[] NOT NULL DEFAULT '{}',
    told integer NOT NULL DEFAULT 0,
    told_digest text NOT NULL DEFAULT '',
    told_for_sure boolean NOT NULL DEFAULT true,
    failure jsonb,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
  )`,
];
