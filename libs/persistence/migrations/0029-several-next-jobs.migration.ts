import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Takes the next jobs for several free places in one round trip, each as if it had been asked for by itself: the turns of
 * owners, and what another has taken meanwhile, are looked at anew for each. Forward only: `down` is never run.
 */
export class SeveralNextJobs1790000000029 implements MigrationInterface {
  readonly name = 'SeveralNextJobs1790000000029';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(takeNextJobs);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

/**
 * One for each token at most, in order. It ends where there is none, and with a job that is to end instead of being taken,
 * which is left alone.
 */
const takeNextJobs = `CREATE FUNCTION take_next_jobs(of_demand uuid, by_worker text, new_tokens uuid[],
    lease_ms double precision, early_ms double precision, most_heads integer)
  RETURNS TABLE (is_taken boolean, job transcript_jobs) LANGUAGE plpgsql AS $$
  DECLARE
    new_token uuid;
    next record;
  BEGIN
    FOREACH new_token IN ARRAY new_tokens LOOP
      FOR next IN SELECT * FROM take_next_job(of_demand, by_worker, new_token, lease_ms, early_ms, most_heads) LOOP
        is_taken := next.is_taken;
        job := next.job;
        RETURN NEXT;
      END LOOP;
      EXIT WHEN NOT FOUND OR NOT is_taken;
    END LOOP;
  END $$`;
