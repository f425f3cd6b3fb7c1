import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Finds and takes the next job in one step, with plans that are kept. Forward only: `down` is never run.
 */
export class NextJobs1790000000028 implements MigrationInterface {
  readonly name = 'NextJobs1790000000028';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

/**
 * Plans of functions are kept for each connection, whatever becomes of the tables after. Without sorting there is but one for
 * each step, however small the tables were: by the index that has the rows in the order that is asked for.
 */
const indexed = `SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off
    SET enable_bitmapscan = off`;

const soon = `clock_timestamp() + early_ms * interval '1 millisecond'`;

const statements = [
  // Room for the row that a job's facts make of it, beside the one before, so that no index has to be told of it.
  'ALTER TABLE transcript_jobs SET (fillfactor = 75)',
  // As it was made in migration 26, but for its plans.
  `CREATE OR REPLACE FUNCTION take_from_job_line(of_demand uuid, of_rank smallint, by_worker text, new_token uuid,
      lease_ms double precision, early_ms double precision, is_patient boolean)
    RETURNS TABLE (is_taken boolean, job transcript_jobs)
    LANGUAGE plpgsql ${indexed} AS $$
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
  END $$`,
  // Takes the best job of all where that is one of the demand that is named; otherwise, or where another has its line at this
  // moment, nothing: then somebody has to look at what there is. So it does with jobs whose worker is gone.
  `CREATE FUNCTION take_next_job(of_demand uuid, by_worker text, new_token uuid, lease_ms double precision,
      early_ms double precision, most_heads integer)
    RETURNS TABLE (is_taken boolean, job transcript_jobs) LANGUAGE plpgsql ${indexed} AS $$
  DECLARE
    best job_lines;
    head job_lines;
    -- A variable, so that no index of some statuses comes into question: the one that begins with the status has few of them.
    running CONSTANT text := 'processing';
  BEGIN
    -- From one demand and rank to the next by the index on turns, never through the lines of one of them.
    SELECT * INTO head FROM job_lines ORDER BY demand, rank, turn LIMIT 1;
    FOR step IN 1..most_heads LOOP
      EXIT WHEN head.demand IS NULL;
      IF step = most_heads THEN
        RETURN;
      END IF;
      IF head.turn <= ${soon}
        AND (best.demand IS NULL OR (head.rank, head.turn) < (best.rank, best.turn)) THEN
        best := head;
      END IF;
      SELECT * INTO head FROM job_lines AS line
      WHERE (line.demand, line.rank) > (head.demand, head.rank) ORDER BY line.demand, line.rank, line.turn LIMIT 1;
    END LOOP;
    IF best.demand IS DISTINCT FROM of_demand OR best.is_mixed THEN
      RETURN;
    END IF;
    PERFORM FROM transcript_jobs
    WHERE status = running AND lease_until < clock_timestamp() AND NOT is_remote AND priority >= 9 - best.rank LIMIT 1;
    IF FOUND THEN
      RETURN;
    END IF;
    RETURN QUERY SELECT * FROM take_from_job_line(of_demand, best.rank, by_worker, new_token, lease_ms, early_ms, false);
  END $$`,
];
