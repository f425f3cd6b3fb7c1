import { PolyscribeError, type WebhookEndpoint } from '#contracts';
import type { Database } from '../database.js';
import { fromNow } from '../jobs/job-sql.js';
import { takesOffers } from '../remote/remote-lease.repository.js';
import { storableText } from '../storable.js';

/** What a client says of an endpoint. */
export type EndpointContent = Pick<WebhookEndpoint, 'url' | 'eventTypes' | 'payload' | 'description'>;

export interface EndpointChange extends Partial<EndpointContent> {
  /** false lets it hear of nothing; true lets it hear again, whatever the reason was. */
  readonly enabled?: boolean;
}

/** Every end of a job looks at all of them. */
const MAX_ENDPOINTS = 100;
/** Any number that no other part of the product uses as an advisory lock. */
const CREATE_LOCK_KEY = 7_265_009;

/** Addresses that hear of the ends of all jobs. Their secrets are given out when they are made, and never read again. */
export class WebhookEndpointRepository {
  constructor(private readonly database: Database) {}

  /** @throws PolyscribeError `invalid_request` when there are as many as there may be */
  async create(id: string, content: EndpointContent, secret: string): Promise<WebhookEndpoint> {
    return this.database.transaction(async ({ query }) => {
      await query('SELECT pg_advisory_xact_lock($1)', [CREATE_LOCK_KEY]);
      const [row] = await query<EndpointRow>(
        `INSERT INTO webhook_endpoints (id, url, event_types, payload, description, secret)
         SELECT $1::uuid, $2::text, $3::text[], $4::text, $5::text, $6::text
         WHERE (SELECT count(*) FROM webhook_endpoints) < $7::integer
         RETURNING ${columns}`,
        [
          ...[id, content.url, content.eventTypes, content.payload, storableText(content.description), secret],
          MAX_ENDPOINTS,
        ],
      );
      if (row) return toEndpoint(row);
      throw new PolyscribeError(
        'invalid_request',
        `There are ${String(MAX_ENDPOINTS)} endpoints already; delete one first.`,
      );
    });
  }

  async find(id: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.database.query<EndpointRow>(`SELECT ${columns} FROM webhook_endpoints WHERE id = $1`, [
      id,
    ]);
    return row && toEndpoint(row);
  }

  /** With which an endpoint may sign what it sends: its secret, and the one before while both are known. Empty where it is unknown. */
  async secrets(id: string): Promise<string[]> {
    const [row] = await this.database.query<{ secret: string; previous: string | null }>(
      `SELECT secret, CASE WHEN previous_secret_until > now() THEN previous_secret END AS previous
       FROM webhook_endpoints WHERE id = $1`,
      [id],
    );
    return row ? [row.secret, row.previous].filter((each) => each !== null) : [];
  }

  /** Whether a remote worker would hear of an offer. */
  async anyTakesOffers(): Promise<boolean> {
    const rows = await this.database.query(`SELECT FROM webhook_endpoints WHERE ${takesOffers} LIMIT 1`);
    return rows.length > 0;
  }

  /** All of them, the newest first. */
  async list(): Promise<WebhookEndpoint[]> {
    const rows = await this.database.query<EndpointRow>(
      `SELECT ${columns} FROM webhook_endpoints ORDER BY created_at DESC, id DESC`,
    );
    return rows.map(toEndpoint);
  }

  /** Changes what is given. @returns undefined when there is no such endpoint */
  async change(id: string, change: EndpointChange): Promise<WebhookEndpoint | undefined> {
    const { url, eventTypes, payload, description, enabled } = change;
    const [row] = await this.database.query<EndpointRow>(
      `UPDATE webhook_endpoints
       SET url = coalesce($2, url), event_types = coalesce($3, event_types), payload = coalesce($4, payload),
         description = coalesce($5, description), updated_at = clock_timestamp(),
         disabled_reason = CASE $6::boolean WHEN true THEN NULL WHEN false THEN 'Disabled by hand.'
           ELSE disabled_reason END
       WHERE id = $1 RETURNING ${columns}`,
      [
        ...[id, url ?? null, eventTypes ?? null, payload ?? null],
        ...[description === undefined ? null : storableText(description), enabled ?? null],
      ],
    );
    return row && toEndpoint(row);
  }

  /**
   * Signs with a new secret from now on, and for so long with the one before as well.
   *
   * @returns false when there is no such endpoint
   */
  async rotateSecret(id: string, secret: string, overlapMs: number): Promise<boolean> {
    const rows = await this.database.query(
      `UPDATE webhook_endpoints
       SET previous_secret = secret, previous_secret_until = ${fromNow('$3')}, secret = $2,
         updated_at = clock_timestamp()
       WHERE id = $1 RETURNING id`,
      [id, secret, overlapMs],
    );
    return rows.length > 0;
  }

  /** With all that is on its way to it. @returns false when there is no such endpoint */
  async delete(id: string): Promise<boolean> {
    const rows = await this.database.query('DELETE FROM webhook_endpoints WHERE id = $1 RETURNING id', [id]);
    return rows.length > 0;
  }
}

interface EndpointRow extends Omit<WebhookEndpoint, 'disabledReason'> {
  readonly disabledReason: string | null;
}

const columns = `id, url, event_types AS "eventTypes", payload, description, disabled_reason AS "disabledReason",
  created_at AS "createdAt", updated_at AS "updatedAt"`;

function toEndpoint({ disabledReason, ...row }: EndpointRow): WebhookEndpoint {
  return { ...row, ...(disabledReason === null ? {} : { disabledReason }) };
}
