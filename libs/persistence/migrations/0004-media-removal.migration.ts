import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when a job has no media: it cannot be retried from then on. Forward only: `down` is never run. */
export class MediaRemoval1790000000004 implements MigrationInterface {
  readonly name = 'MediaRemoval1790000000004';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  'ALTER TABLE transcript_jobs ADD COLUMN media_removed_at timestamptz(3)',
  // Whoever removes media by age looks at those alone that still have some.
  `CREATE INDEX ix_transcript_jobs_media ON transcript_jobs (completed_at, id)
    WHERE media_removed_at IS NULL AND completed_at IS NOT NULL`,
];
