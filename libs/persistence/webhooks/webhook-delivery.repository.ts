import type { WebhookDelivery, WebhookDeliveryState, WebhookEvent, WebhookPayload, WebhookTry } from '#contracts';
import type { Database } from '../database.js';
import { fromNow } from '../jobs/job-sql.js';
import { decodePosition, encodePosition } from '../page-cursor.js';
import { storableJson } from '../storable.js';

/** A delivery that is to be tried now, by whoever claimed it and by nobody else for the time of the claim. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly jobId: string;
  /** Number of the job's run that it tells of. */
  readonly run: number;
  readonly event: WebhookEvent;
  readonly occurredAt: Date;
  /** Of an event `job.failed`. */
  readonly failure: { readonly code: string | null; readonly message: string | null } | null;
  /** Tries since it was made or asked for again, this one included. */
  readonly roundTry: number;
  /** All tries, this one included: names the claim. */
  readonly tries: number;
  /** undefined for the callback of a job. */
  readonly endpointId: string | undefined;
  /** Where to, now; undefined when there is no such place any more. */
  readonly target: { readonly url: string; readonly payload: WebhookPayload } | undefined;
  /** With which to sign, each of them; empty for the callback of a job. */
  readonly secrets: readonly string[];
}

/** How a try ended. */
export interface TryOutcome {
  readonly entry: WebhookTry;
  readonly state: WebhookDeliveryState;
  /** For `pending`: when to try again. */
  readonly afterMs?: number;
  /** Why the endpoint is to hear of nothing any more. */
  readonly disable?: string;
}

export interface DeliveryFilter {
  readonly endpointId?: string;
  readonly jobId?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface DeliveryPage {
  readonly deliveries: readonly WebhookDelivery[];
  /** undefined on the last page. */
  readonly nextCursor?: string;
}

/** Tries that are kept of a delivery: the last ones. */
const KEPT_TRIES = 20;

/** Events on their way to clients. The rows are written by a trigger, together with the end that they tell of. */
export class WebhookDeliveryRepository {
  constructor(private readonly database: Database) {}

  /** Ids of deliveries that are due and that nobody is at, those that are due longest first. */
  async due(limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM webhook_deliveries
       WHERE state = 'pending' AND next_try_at <= clock_timestamp()
         AND (lease_until IS NULL OR lease_until < clock_timestamp())
       ORDER BY next_try_at LIMIT $1`,
      [limit],
    );
    return rows.map(({ id }) => id);
  }

  /** Takes a delivery that is due, for so long. Among several that try, one wins. */
  async claim(id: string, leaseMs: number): Promise<ClaimedDelivery | undefined> {
    const [row] = await this.database.query<ClaimRow>(
      `WITH claimed AS (
         UPDATE webhook_deliveries
         SET tries = tries + 1, round_tries = round_tries + 1, lease_until = ${fromNow('$2')}
         WHERE id = $1 AND state = 'pending' AND next_try_at <= clock_timestamp()
           AND (lease_until IS NULL OR lease_until < clock_timestamp())
         RETURNING *)
       SELECT claimed.id, claimed.job_id AS "jobId", claimed.run, event, occurred_at AS "occurredAt", failure, tries,
         round_tries AS "roundTry", endpoint_id AS "endpointId",
         coalesce(endpoint.url, CASE WHEN endpoint_id IS NULL THEN job.engine_params->'callback'->>'url' END) AS url,
         coalesce(endpoint.payload, job.engine_params->'callback'->>'payload', 'thin') AS payload,
         endpoint.secret,
         CASE WHEN endpoint.previous_secret_until > now() THEN endpoint.previous_secret END AS "previousSecret"
       FROM claimed
         JOIN transcript_jobs AS job ON job.job_id = claimed.job_id
         LEFT JOIN webhook_endpoints AS endpoint
           ON endpoint.id = claimed.endpoint_id AND endpoint.disabled_reason IS NULL`,
      [id, leaseMs],
    );
    if (!row) return undefined;
    const { url, payload, secret, previousSecret, endpointId, ...rest } = row;
    return {
      ...rest,
      endpointId: endpointId ?? undefined,
      target: url === null ? undefined : { url, payload },
      secrets: [secret, previousSecret].filter((each) => each !== null),
    };
  }

  /** Writes down how a claimed try ended. Does nothing when the claim was over and another has it. */
  async settle(claim: ClaimedDelivery, outcome: TryOutcome): Promise<void> {
    await this.database.transaction(async ({ query }) => {
      const rows = await query(
        `UPDATE webhook_deliveries
         SET state = $3, lease_until = NULL, next_try_at = ${fromNow('$4')},
           delivered_at = CASE WHEN $3 = 'delivered' THEN clock_timestamp() ELSE delivered_at END,
           log = CASE WHEN jsonb_array_length(log) >= $6::integer THEN log - 0 ELSE log END || $5::jsonb
         WHERE id = $1 AND tries = $2 AND state = 'pending'
         RETURNING id`,
        [claim.id, claim.tries, outcome.state, outcome.afterMs ?? 0, storableJson([outcome.entry]), KEPT_TRIES],
      );
      if (rows.length === 0 || outcome.disable === undefined || claim.endpointId === undefined) return;
      await query(
        `UPDATE webhook_endpoints SET disabled_reason = $2, updated_at = clock_timestamp()
         WHERE id = $1 AND disabled_reason IS NULL`,
        [claim.endpointId, outcome.disable],
      );
    });
  }

  /** Puts a claimed delivery back as if it had not been tried. */
  async giveBack(claim: ClaimedDelivery): Promise<void> {
    await this.database.query(
      `UPDATE webhook_deliveries SET lease_until = NULL, round_tries = greatest(0, round_tries - 1)
       WHERE id = $1 AND tries = $2 AND state = 'pending'`,
      [claim.id, claim.tries],
    );
  }

  /** Lets a delivery be tried again at once, with its retries counted anew. False when there is none. */
  async redeliver(id: string): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE webhook_deliveries SET state = 'pending', round_tries = 0, next_try_at = clock_timestamp()
       WHERE id = $1 RETURNING id`,
      [id],
    );
    return rows.length > 0;
  }

  /** One page, newest first. @throws PolyscribeError `invalid_request` for a cursor that we did not give */
  async list({ endpointId, jobId, limit, cursor }: DeliveryFilter): Promise<DeliveryPage> {
    const position = cursor === undefined ? undefined : decodePosition(cursor);
    const rows = await this.database.query<DeliveryRow>(
      `SELECT id, endpoint_id AS "endpointId", job_id AS "jobId", event, occurred_at AS "occurredAt", state,
         next_try_at AS "nextTryAt", delivered_at AS "deliveredAt", log AS tries, created_at AS "createdAt"
       FROM webhook_deliveries
       WHERE ($1::uuid IS NULL OR endpoint_id = $1) AND ($2::uuid IS NULL OR job_id = $2)
         AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
       ORDER BY created_at DESC, id DESC LIMIT $5`,
      [endpointId ?? null, jobId ?? null, position?.createdAt ?? null, position?.id ?? null, limit + 1],
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    const nextCursor = last && rows.length > limit ? { nextCursor: encodePosition(last) } : {};
    return { deliveries: shown.map(toDelivery), ...nextCursor };
  }
}

interface ClaimRow extends Omit<ClaimedDelivery, 'endpointId' | 'target' | 'secrets'> {
  readonly endpointId: string | null;
  readonly url: string | null;
  readonly payload: WebhookPayload;
  readonly secret: string | null;
  readonly previousSecret: string | null;
}

interface DeliveryRow extends Omit<WebhookDelivery, 'endpointId' | 'nextTryAt' | 'deliveredAt'> {
  readonly endpointId: string | null;
  readonly nextTryAt: Date;
  readonly deliveredAt: Date | null;
}

function toDelivery({ endpointId, nextTryAt, deliveredAt, ...row }: DeliveryRow): WebhookDelivery {
  return {
    ...row,
    ...(endpointId === null ? {} : { endpointId }),
    ...(row.state === 'pending' ? { nextTryAt } : {}),
    ...(deliveredAt === null ? {} : { deliveredAt }),
  };
}
