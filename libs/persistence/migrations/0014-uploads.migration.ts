import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Uploads that come in pieces. Forward only: `down` is never run. */
export class Uploads1790000000014 implements MigrationInterface {
  readonly name = 'Uploads1790000000014';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  `CREATE TABLE uploads (
    id uuid NOT NULL CONSTRAINT pk_uploads PRIMARY KEY,
    bytes bigint NOT NULL,
    received bigint NOT NULL DEFAULT 0,
    metadata jsonb NOT NULL,
    used_at timestamptz(3),
    expires_at timestamptz(3) NOT NULL,
    CONSTRAINT ck_uploads_received CHECK (received BETWEEN 0 AND bytes)
  )`,
  'CREATE INDEX ix_uploads_expiry ON uploads (expires_at)',
  'CREATE INDEX ix_uploads_used ON uploads (used_at) WHERE used_at IS NOT NULL',
  `CREATE TABLE upload_parts (
    upload_id uuid NOT NULL CONSTRAINT fk_upload_parts_upload REFERENCES uploads ON DELETE CASCADE,
    start_byte bigint NOT NULL,
    object_key text NOT NULL,
    CONSTRAINT pk_upload_parts PRIMARY KEY (upload_id, start_byte)
  )`,
  // Without a reference: an upload is locked before it is made.
  `CREATE TABLE upload_locks (
    upload_id uuid NOT NULL CONSTRAINT pk_upload_locks PRIMARY KEY,
    token uuid NOT NULL,
    held_until timestamptz(3) NOT NULL
  )`,
];
