import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Jobs whose recording is still to be fetched from a URL. Forward only: `down` is never run. */
export class RemoteMedia1790000000007 implements MigrationInterface {
  readonly name = 'RemoteMedia1790000000007';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  'ALTER TABLE transcript_jobs ADD COLUMN source_url text',
  'ALTER TABLE transcript_jobs ALTER COLUMN media_key DROP NOT NULL',
  'ALTER TABLE transcript_jobs ALTER COLUMN media_bytes SET DEFAULT 0',
  `ALTER TABLE transcript_jobs ALTER COLUMN media_sha256 SET DEFAULT ''`,
  `ALTER TABLE transcript_jobs ALTER COLUMN media_type SET DEFAULT ''`,
  `ALTER TABLE transcript_jobs ADD CONSTRAINT ck_transcript_jobs_source
    CHECK (media_key IS NOT NULL OR source_url IS NOT NULL)`,
];
