import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lets whoever has read a job twice tell the newer reading. Forward only: `down` is never run. */
export class JobRevision1790000000002 implements MigrationInterface {
  readonly name = 'JobRevision1790000000002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  'ALTER TABLE transcript_jobs ADD COLUMN revision bigint NOT NULL DEFAULT 0',
  `CREATE FUNCTION raise_transcript_job_revision() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     NEW.revision := OLD.revision + 1;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER tr_transcript_jobs_revision BEFORE UPDATE ON transcript_jobs
   FOR EACH ROW EXECUTE FUNCTION raise_transcript_job_revision()`,
];
