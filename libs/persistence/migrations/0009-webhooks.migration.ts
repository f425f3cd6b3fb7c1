import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Endpoints of webhooks and what is on its way to them. A trigger writes the deliveries of a job's end in the transaction
 * that ends it, whichever statement that is. Forward only: `down` is never run.
 */
export class Webhooks1790000000009 implements MigrationInterface {
  readonly name = 'Webhooks1790000000009';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Migrations only go forward: restore a backup to go back.'));
  }
}

const statements = [
  `CREATE TABLE webhook_endpoints (
    id uuid NOT NULL CONSTRAINT pk_webhook_endpoints PRIMARY KEY,
    url text NOT NULL,
    event_types text[] NOT NULL DEFAULT '{}',
    payload text NOT NULL CONSTRAINT ck_webhook_endpoints_payload CHECK (payload IN ('thin', 'full')),
    description text NOT NULL DEFAULT '',
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until timestamptz(3),
    disabled_reason text,
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
  )`,
  `CREATE TABLE webhook_deliveries (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT pk_webhook_deliveries PRIMARY KEY,
    endpoint_id uuid CONSTRAINT fk_webhook_deliveries_endpoint REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    job_id uuid NOT NULL CONSTRAINT fk_webhook_deliveries_job REFERENCES transcript_jobs (job_id) ON DELETE CASCADE,
    run integer NOT NULL,
    event text NOT NULL,
    occurred_at timestamptz(3) NOT NULL,
    failure jsonb,
    state text NOT NULL DEFAULT 'pending'
      CONSTRAINT ck_webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    round_tries integer NOT NULL DEFAULT 0,
    next_try_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz(3),
    log jsonb NOT NULL DEFAULT '[]',
    delivered_at timestamptz(3),
    created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
  )`,
  // Nothing tells an end twice, whatever runs twice. (NULLS NOT DISTINCT is newer than the oldest PostgreSQL we take.)
  `CREATE UNIQUE INDEX uq_webhook_deliveries_event ON webhook_deliveries
    (job_id, run, event, coalesce(endpoint_id, '00000000-0000-0000-0000-000000000000'::uuid))`,
  `CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (next_try_at) WHERE state = 'pending'`,
  'CREATE INDEX ix_webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, created_at, id)',
  'CREATE INDEX ix_webhook_deliveries_created ON webhook_deliveries (created_at, id)',
  `CREATE FUNCTION add_webhook_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
   DECLARE
     happened text := 'job.' || NEW.status;
     failed jsonb := CASE WHEN NEW.status = 'failed' THEN
       jsonb_build_object('code', NEW.error_details->'code', 'message', NEW.error_details->'message') END;
     callback jsonb := NEW.engine_params->'callback';
   BEGIN
     INSERT INTO webhook_deliveries (endpoint_id, job_id, run, event, occurred_at, failure)
     SELECT id, NEW.job_id, NEW.run, happened, NEW.completed_at, failed FROM webhook_endpoints
     WHERE disabled_reason IS NULL AND (cardinality(event_types) = 0 OR happened = ANY (event_types))
     ON CONFLICT DO NOTHING;
     IF callback IS NOT NULL AND (NEW.status <> 'failed' OR (callback->>'onError')::boolean) THEN
       INSERT INTO webhook_deliveries (job_id, run, event, occurred_at, failure)
       VALUES (NEW.job_id, NEW.run, happened, NEW.completed_at, failed)
       ON CONFLICT DO NOTHING;
     END IF;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER tr_transcript_jobs_webhooks AFTER UPDATE ON transcript_jobs FOR EACH ROW
   WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('completed', 'failed', 'cancelled'))
   EXECUTE FUNCTION add_webhook_deliveries()`,
];
