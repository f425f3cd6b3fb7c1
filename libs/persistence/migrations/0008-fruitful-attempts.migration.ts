import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Attempts that brought a job on, which do not count towards giving it up. Forward only: `down` is never run. */
export class FruitfulAttempts1790000000008 implements MigrationInterface {
  readonly name = 'FruitfulAttempts1790000000008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE transcript_jobs ADD COLUMN fruitful_attempts integer NOT NULL DEFAULT 0');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}
