import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How far spans reach into their neighbours where they had to be cut within speech, and whether what both heard has been
 * joined. Forward only: `down` is never run.
 */
export class SpanOverlaps1790000000021 implements MigrationInterface {
  readonly name = 'SpanOverlaps1790000000021';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE transcript_spans
         ADD COLUMN lead_ms integer NOT NULL DEFAULT 0,
         ADD COLUMN tail_ms integer NOT NULL DEFAULT 0,
         ADD COLUMN is_joined boolean NOT NULL DEFAULT false,
         ADD CONSTRAINT ck_transcript_spans_overlap CHECK (lead_ms BETWEEN 0 AND start_ms AND tail_ms >= 0)`,
    );
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}
