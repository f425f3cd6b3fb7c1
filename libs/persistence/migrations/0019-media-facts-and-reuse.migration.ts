import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What media files say of themselves, and transcripts that are taken again. Forward only: `down` is never run. */
export class MediaFactsAndReuse1790000000019 implements MigrationInterface {
  readonly name = 'MediaFactsAndReuse1790000000019';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  `ALTER TABLE transcript_jobs
    ADD COLUMN media_facts jsonb,
    ADD COLUMN options_digest text NOT NULL DEFAULT '',
    ADD COLUMN reused_from uuid,
    ADD COLUMN expected_ms double precision`,
  `CREATE INDEX ix_transcript_jobs_reuse ON transcript_jobs (media_sha256, options_digest, completed_at)
    WHERE status = 'completed'`,
];
