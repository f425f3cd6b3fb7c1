import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Transcripts that somebody wants erased, until nothing of them is left. Forward only: `down` is never run. */
export class Erasures1790000000012 implements MigrationInterface {
  readonly name = 'Erasures1790000000012';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  // Without a reference to the rows that it outlives.
  `CREATE TABLE erasures (
    transcript_id uuid NOT NULL CONSTRAINT pk_erasures PRIMARY KEY,
    job_id uuid NOT NULL,
    media_key text,
    requested_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    rows_removed_at timestamptz(3),
    due_at timestamptz(3) NOT NULL
  )`,
  'CREATE INDEX ix_erasures_due ON erasures (due_at)',
];
