import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Workers that run, whether or not they have a job. Forward only: `down` is never run. */
export class Workers1790000000016 implements MigrationInterface {
  readonly name = 'Workers1790000000016';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE workers (
        worker_id text NOT NULL CONSTRAINT pk_workers PRIMARY KEY,
        seen_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
      )`,
    );
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}
