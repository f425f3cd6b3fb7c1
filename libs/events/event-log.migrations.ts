import type { Client } from 'pg';

/** Any number, but always the same: processes that start at once migrate one after the other. */
const ADVISORY_LOCK = 7_240_115_031;

/**
 * Forward only, each once, in order; never edit one that has been released.
 *
 * `data` is json and not jsonb: jsonb refuses the NUL character and lone surrogates, which text out of an engine may hold.
 */
const migrations: readonly string[] = [
  `CREATE TABLE events.job_log (
     job_id text PRIMARY KEY,
     last_seq bigint NOT NULL,
     updated_at timestamptz NOT NULL,
     kept boolean NOT NULL
   );
   CREATE INDEX job_log_expiry ON events.job_log (updated_at) WHERE kept;
   CREATE TABLE events.job_event (
     job_id text NOT NULL REFERENCES events.job_log ON DELETE CASCADE,
     seq bigint NOT NULL,
     type text NOT NULL,
     data json NOT NULL,
     key text,
     created_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (job_id, seq)
   );
   CREATE UNIQUE INDEX job_event_key ON events.job_event (job_id, key) WHERE key IS NOT NULL;`,
  // Also called by statements that write what the events tell of. The plans of a function are kept for each connection.
  `CREATE FUNCTION events.append(of_job text, new_types text[], new_data text[], new_key text, is_notifying boolean)
   RETURNS bigint LANGUAGE plpgsql AS $$
   DECLARE
     added CONSTANT integer := cardinality(new_types);
     last bigint;
   BEGIN
     INSERT INTO events.job_log AS log (job_id, last_seq, updated_at, kept) VALUES (of_job, added, now(), true)
     ON CONFLICT (job_id) DO UPDATE SET last_seq = log.last_seq + added, updated_at = now(), kept = true
     RETURNING last_seq INTO last;
     -- The counter is locked by now: whoever used the key before has committed.
     IF new_key IS NOT NULL AND EXISTS (SELECT FROM events.job_event WHERE job_id = of_job AND key = new_key) THEN
       UPDATE events.job_log SET last_seq = last - added WHERE job_id = of_job;
       RETURN NULL;
     END IF;
     INSERT INTO events.job_event (job_id, seq, type, data, key)
     SELECT of_job, last - added + body.place, body.type, body.data::json, CASE WHEN body.place = 1 THEN new_key END
     FROM unnest(new_types, new_data) WITH ORDINALITY AS body (type, data, place);
     IF is_notifying THEN
       PERFORM pg_notify('polyscribe_events', last || ':' || of_job);
     END IF;
     RETURN last;
   END $$`,
  // A job that was forgotten leaves its counter behind as a mark: what a worker tells later, that has not heard, is dropped.
  `ALTER TABLE events.job_log ADD COLUMN forgotten_at timestamptz;
   CREATE INDEX job_log_forgotten ON events.job_log (forgotten_at) WHERE forgotten_at IS NOT NULL;
   CREATE FUNCTION events.forget(of_job text) RETURNS void LANGUAGE plpgsql AS $$
   BEGIN
     INSERT INTO events.job_log AS log (job_id, last_seq, updated_at, kept, forgotten_at)
     VALUES (of_job, 0, now(), false, now())
     ON CONFLICT (job_id) DO UPDATE SET kept = false, forgotten_at = now();
     -- A statement of its own: it sees what a writer added for whom the one before had to wait.
     DELETE FROM events.job_event WHERE job_id = of_job;
   END $$;
   CREATE OR REPLACE FUNCTION events.append(
     of_job text, new_types text[], new_data text[], new_key text, is_notifying boolean)
   RETURNS bigint LANGUAGE plpgsql AS $$
   DECLARE
     added CONSTANT integer := cardinality(new_types);
     last bigint;
   BEGIN
     INSERT INTO events.job_log AS log (job_id, last_seq, updated_at, kept) VALUES (of_job, added, now(), true)
     ON CONFLICT (job_id) DO UPDATE SET last_seq = log.last_seq + added, updated_at = now(), kept = true
     WHERE log.forgotten_at IS NULL
     RETURNING last_seq INTO last;
     IF last IS NULL THEN
       RETURN NULL;
     END IF;
     -- The counter is locked by now: whoever used the key before has committed.
     IF new_key IS NOT NULL AND EXISTS (SELECT FROM events.job_event WHERE job_id = of_job AND key = new_key) THEN
       UPDATE events.job_log SET last_seq = last - added WHERE job_id = of_job;
       RETURN NULL;
     END IF;
     INSERT INTO events.job_event (job_id, seq, type, data, key)
     SELECT of_job, last - added + body.place, body.type, body.data::json, CASE WHEN body.place = 1 THEN new_key END
     FROM unnest(new_types, new_data) WITH ORDINALITY AS body (type, data, place);
     IF is_notifying THEN
       PERFORM pg_notify('polyscribe_events', last || ':' || of_job);
     END IF;
     RETURN last;
   END $$`,
];

/** Brings the schema `events` up to date, whole or not at all. */
export async function migrateEventLog(client: Client): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    await client.query('CREATE SCHEMA IF NOT EXISTS events');
    await client.query(
      'CREATE TABLE IF NOT EXISTS events.migration (version integer PRIMARY KEY, applied_at timestamptz DEFAULT now())',
    );
    const { rows } = await client.query<{ version: number | null }>(
      'SELECT max(version) AS version FROM events.migration',
    );
    const done = rows[0]?.version ?? 0;
    for (const [index, statements] of migrations.entries()) {
      const version = index + 1;
      if (version <= done) continue;
      await client.query(statements);
      await client.query('INSERT INTO events.migration (version) VALUES ($1)', [version]);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
