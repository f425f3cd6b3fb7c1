import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who waits for what, so that the next job is found without looking at those behind it. Forward only: `down` is never run.
 *
 * Jobs that wait stand in lines: one for each owner, priority and demand, which is all of a job's options that decide where it
 * can be served. A trigger keeps them, so that no statement can forget to; it locks the line until the job is committed, and a
 * line that is found empty is removed under the same lock, so that no job is left without one. Jobs that remote workers do
 * stand in none.
 */
export class JobLines1790000000025 implements MigrationInterface {
  readonly name = 'JobLines1790000000025';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

/** A context counts for whether there is one: what its words are does not change who can serve. */
const demand = `md5((NEW.engine_params
    - '{sessionId,title,tags,dbId,callback,metadata,priority,context,speakerRoles}'::text[]
    || jsonb_build_object('context', NEW.engine_params ? 'context'))::text)::uuid`;

const statements = [
  'ALTER TABLE transcript_jobs ADD COLUMN demand uuid, ADD COLUMN owner text',
  `CREATE INDEX ix_transcript_jobs_line ON transcript_jobs (demand, priority, owner, not_before, id)
   WHERE status = 'queued'`,
  // `rank` is 9 less the priority, so that everything is in ascending order. `turn` is since when the owner waits for a turn.
  `CREATE TABLE job_lines (
    demand uuid NOT NULL,
    rank smallint NOT NULL,
    owner text NOT NULL,
    ready_at timestamptz NOT NULL,
    served_at timestamptz NOT NULL DEFAULT '-infinity',
    turn timestamptz NOT NULL GENERATED ALWAYS AS (greatest(ready_at, served_at)) STORED,
    CONSTRAINT pk_job_lines PRIMARY KEY (rank, owner, demand)
  )`,
  'CREATE INDEX ix_job_lines_turn ON job_lines (demand, rank, turn)',
  `CREATE FUNCTION stand_in_job_line() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     NEW.owner := coalesce(NEW.session_id, '');
     NEW.demand := ${demand};
     INSERT INTO job_lines AS line (demand, rank, owner, ready_at)
     VALUES (NEW.demand, 9 - NEW.priority, NEW.owner, NEW.not_before)
     ON CONFLICT (rank, owner, demand) DO UPDATE SET ready_at = excluded.ready_at
     WHERE excluded.ready_at < line.ready_at; -- locks the line in any case
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER tr_transcript_jobs_line BEFORE INSERT OR UPDATE OF status, not_before ON transcript_jobs
   FOR EACH ROW WHEN (NEW.status = 'queued' AND NOT NEW.is_remote) EXECUTE FUNCTION stand_in_job_line()`,
  // Jobs that wait already, and those whose worker may be gone: their demand is asked for as well.
  `UPDATE transcript_jobs SET status = status WHERE status = 'queued'`,
  `UPDATE transcript_jobs SET owner = coalesce(session_id, ''), demand = ${demand.replaceAll('NEW.', '')}
   WHERE status = 'processing'`,
];
