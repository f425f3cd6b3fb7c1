import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The keys by which clients name their submissions. Forward only: `down` is never run. */
export class IdempotencyKeys1790000000013 implements MigrationInterface {
  readonly name = 'IdempotencyKeys1790000000013';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  // Checked at the commit: the key is taken before the rows are written, so that who comes second writes none. What is
  // erased takes its key along.
  `CREATE TABLE idempotency_keys (
    key text NOT NULL CONSTRAINT pk_idempotency_keys PRIMARY KEY,
    fingerprint text NOT NULL,
    transcript_id uuid NOT NULL CONSTRAINT fk_idempotency_keys_transcript
      REFERENCES transcripts ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    expires_at timestamptz(3) NOT NULL
  )`,
  'CREATE INDEX ix_idempotency_keys_transcript ON idempotency_keys (transcript_id)',
  'CREATE INDEX ix_idempotency_keys_expiry ON idempotency_keys (expires_at)',
];
