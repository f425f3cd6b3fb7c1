import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Vocabularies that jobs can name, and the roles of a transcript's speakers. Forward only: `down` is never run. */
export class ContextsAndRoles1790000000006 implements MigrationInterface {
  readonly name = 'ContextsAndRoles1790000000006';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  `CREATE TABLE contexts (
    id uuid NOT NULL CONSTRAINT pk_contexts PRIMARY KEY,
    name text NOT NULL,
    language text,
    terms jsonb NOT NULL,
    term_count integer NOT NULL CONSTRAINT ck_contexts_terms CHECK (term_count >= 0),
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    updated_at timestamptz(3) NOT NULL DEFAULT now()
  )`,
  'CREATE INDEX ix_contexts_created ON contexts (created_at, id)',
  'ALTER TABLE transcripts ADD COLUMN speaker_roles jsonb',
];
