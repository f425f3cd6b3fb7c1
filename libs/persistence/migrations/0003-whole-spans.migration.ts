import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether a span takes its channel as a whole. Plans that stand already are gone on with as pieces. */
export class WholeSpans1790000000003 implements MigrationInterface {
  readonly name = 'WholeSpans1790000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE transcript_spans ADD COLUMN is_whole boolean NOT NULL DEFAULT false');
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}
