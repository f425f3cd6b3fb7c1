import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Since when a job is put back for want of an engine or a dependency. Forward only: `down` is never run. */
export class Waits1790000000005 implements MigrationInterface {
  readonly name = 'Waits1790000000005';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'ALTER TABLE transcript_jobs ADD COLUMN busy_since timestamptz(3), ADD COLUMN outage_since timestamptz(3)',
    );
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}
