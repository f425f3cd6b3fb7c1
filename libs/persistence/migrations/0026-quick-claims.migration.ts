import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Takes the best job of a line in one step, and bounds how many lines one owner has. Forward only: `down` is never run.
 *
 * Jobs that wait already keep the demand that they have, and the line that goes with it.
 */
export class QuickClaims1790000000026 implements MigrationInterface {
  readonly name = 'QuickClaims1790000000026';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

/** What the router looks at before it knows the audio, and nothing else. */
const routed = [
  ...[
    'engine',
    'engines',
    'language',
    'model',
    'task',
    'profile',
    'enableDiarization',
    'wordTimestamps',
    'punctuation',
  ],
  ...['profanityFilter', 'verbatim', 'onUnsupported', 'allowFallback', 'engineOptions'],
];

/** What all jobs of a line have in common that have no line of their own any more. */
const mixed = ['engine', 'engines', 'allowFallback'];

function arrayOf(names: readonly string[]): string {
  return `jsonb_build_array(${names.map((name) => `NEW.engine_params->'${name}'`).join(', ')})`;
}

/** Lines that an owner has of one priority before the rest share one for each choice of engine. */
const MOST_LINES = 64;

const statements = [
  'ALTER TABLE job_lines ADD COLUMN is_mixed boolean NOT NULL DEFAULT false',
  // An owner with ever new demands would otherwise make everybody's look for the next job slower. Plans of functions are
  // kept: one made while the tables were small must do when they are large, so it goes by the index.
  `CREATE OR REPLACE FUNCTION stand_in_job_line() RETURNS trigger LANGUAGE plpgsql
     SET enable_seqscan = off SET enable_bitmapscan = off AS $$
   DECLARE
     is_one_too_many boolean;
   BEGIN
     NEW.owner := coalesce(NEW.session_id, '');
     NEW.demand := md5(${arrayOf(routed)}::text)::uuid;
     -- By rank and owner alone, so that no other index than that of the key comes into question.
     SELECT count(*) >= ${MOST_LINES} AND NOT bool_or(demand = NEW.demand) INTO is_one_too_many
     FROM (SELECT demand FROM job_lines WHERE rank = 9 - NEW.priority AND owner = NEW.owner LIMIT ${2 * MOST_LINES}) AS line;
     IF is_one_too_many THEN
       NEW.demand := md5('mixed' || ${arrayOf(mixed)}::text)::uuid;
     END IF;
     INSERT INTO job_lines AS line (demand, rank, owner, ready_at, is_mixed)
     VALUES (NEW.demand, 9 - NEW.priority, NEW.owner, NEW.not_before, is_one_too_many)
     ON CONFLICT (rank, owner, demand) DO UPDATE SET ready_at = excluded.ready_at
     WHERE excluded.ready_at < line.ready_at; -- locks the line in any case
     RETURN NEW;
   END $$`,
  takeFromLine(),
];

/**
 * The whole step runs in the server, so that a line is locked for as long as the step takes and not for as long as several
 * answers are on their way; and it ends without waiting for the disk. A server that dies may forget it: then the job waits
 * as before, and the worker that believes to have it writes nothing, as its token is not the row's.
 *
 * Plans are made anew each time: one made while the tables were small would go through all lines of a demand.
 *
 * Gives nothing where there is no line to be had. `is_taken` is false for a job that is to end instead, which is left alone.
 */
function takeFromLine(): string {
  const soon = `clock_timestamp() + early_ms * interval '1 millisecond'`;
  return `CREATE FUNCTION take_from_job_line(of_demand uuid, of_rank smallint, by_worker text, new_token uuid,
      lease_ms double precision, early_ms double precision, is_patient boolean)
    RETURNS TABLE (is_taken boolean, job transcript_jobs)
    LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
  DECLARE
    of_owner text;
    passed text[] := '{}';
    free transcript_jobs;
    is_fit boolean;
    next_at timestamptz;
  BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR looked IN 1..50 LOOP
      SELECT owner INTO of_owner FROM job_lines WHERE demand = of_demand AND rank = of_rank AND turn <= ${soon}
        AND owner <> ALL (passed)
      ORDER BY turn LIMIT 1 FOR UPDATE SKIP LOCKED;
      -- Nobody waits for a line who has one already: two that did could wait for each other.
      IF NOT FOUND AND is_patient AND passed = '{}' THEN
        SELECT owner INTO of_owner FROM job_lines WHERE demand = of_demand AND rank = of_rank AND turn <= ${soon}
        ORDER BY turn LIMIT 1 FOR UPDATE;
      END IF;
      EXIT WHEN of_owner IS NULL;

      -- One that is just being cancelled is passed over, and with it its line where that has no other.
      SELECT * INTO free FROM transcript_jobs
      WHERE status = 'queued' AND demand = of_demand AND priority = 9 - of_rank AND owner = of_owner
        AND not_before <= ${soon}
      ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED;
      is_fit := FOUND AND NOT free.cancel_requested AND free.attempts - free.fruitful_attempts <= free.max_retries;
      IF is_fit THEN
        UPDATE transcript_jobs
        SET status = 'processing', attempts = attempts + 1, run = run + 1, worker_id = by_worker,
          lease_token = new_token, lease_until = clock_timestamp() + lease_ms * interval '1 millisecond',
          started_at = coalesce(started_at, clock_timestamp()), updated_at = now()
        WHERE id = free.id RETURNING * INTO free;
      END IF;

      -- Since when the line waits from now on; one of which nobody is left goes.
      SELECT not_before INTO next_at FROM transcript_jobs
      WHERE status = 'queued' AND demand = of_demand AND priority = 9 - of_rank AND owner = of_owner
      ORDER BY not_before LIMIT 1;
      IF FOUND THEN
        UPDATE job_lines
        SET ready_at = next_at, served_at = CASE WHEN is_fit THEN clock_timestamp() ELSE served_at END
        WHERE rank = of_rank AND owner = of_owner AND demand = of_demand;
      ELSE
        DELETE FROM job_lines WHERE rank = of_rank AND owner = of_owner AND demand = of_demand;
      END IF;
      -- An owner that was served stands behind the others with all of its lines. One that is locked is being served or
      -- added to at this moment, and to wait for it could end in a deadlock.
      IF is_fit THEN
        UPDATE job_lines AS line SET served_at = clock_timestamp()
        FROM (
          SELECT demand FROM job_lines WHERE rank = of_rank AND owner = of_owner AND demand <> of_demand
          FOR UPDATE SKIP LOCKED
        ) AS other
        WHERE line.rank = of_rank AND line.owner = of_owner AND line.demand = other.demand;
      END IF;

      IF free.id IS NOT NULL THEN
        RETURN QUERY SELECT is_fit, free;
        EXIT;
      END IF;
      passed := passed || of_owner;
    END LOOP;
  END $$`;
}
