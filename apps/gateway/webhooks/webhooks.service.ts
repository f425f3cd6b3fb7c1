import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { PolyscribeError, type WebhookEndpoint } from '#contracts';
import { OutboundHttp } from '#outbound-http';
import {
  type DeliveryFilter,
  type DeliveryPage,
  type EndpointChange,
  WebhookDeliveryRepository,
  WebhookEndpointRepository,
} from '#persistence';
import { inAnswerTime } from '../answer-time.js';
import { isUuid } from '../jobs/job-id.js';
import { fieldErrors, invalid } from '../submit/field-errors.js';
import { judged } from '../submit/remote-source.js';
import { endpointChangeSchema, endpointSchema } from './webhook.schema.js';

/** For how long messages are signed with the old secret as well, once there is a new one. */
const OVERLAP_MS = 86_400_000;
/** Of the 24 to 64 that Standard Webhooks asks for. */
const SECRET_BYTES = 32;

/** Keeps the addresses that hear of the ends of jobs, and shows what went to them. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly endpoints: WebhookEndpointRepository,
    private readonly deliveries: WebhookDeliveryRepository,
    private readonly outbound: OutboundHttp,
  ) {}

  /** @throws PolyscribeError `invalid_request`, `url_not_allowed` */
  async create(body: unknown): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
    const { url, event_types: eventTypes, payload, description } = read(endpointSchema, body);
    judged(url, '/url', this.outbound.guard);
    const secret = newSecret();
    const content = { url, eventTypes, payload, description };
    return { endpoint: await inAnswerTime(this.endpoints.create(randomUUID(), content, secret)), secret };
  }

  list(): Promise<WebhookEndpoint[]> {
    return inAnswerTime(this.endpoints.list());
  }

  /** @throws PolyscribeError `not_found` */
  async get(id: string): Promise<WebhookEndpoint> {
    return known(isUuid(id) ? await inAnswerTime(this.endpoints.find(id)) : undefined);
  }

  /** @throws PolyscribeError `invalid_request`, `url_not_allowed`, `not_found` */
  async change(id: string, body: unknown): Promise<WebhookEndpoint> {
    const { event_types: eventTypes, ...rest } = read(endpointChangeSchema, body);
    if (rest.url !== undefined) judged(rest.url, '/url', this.outbound.guard);
    const given = Object.entries({ ...rest, eventTypes }).filter(([, value]) => value !== undefined);
    const change = Object.fromEntries(given) as EndpointChange;
    return known(isUuid(id) ? await inAnswerTime(this.endpoints.change(id, change)) : undefined);
  }

  /** Messages are signed with both for a day. @throws PolyscribeError `not_found` */
  async rotateSecret(id: string): Promise<{ secret: string; previousUntil: Date }> {
    const secret = newSecret();
    const previousUntil = new Date(Date.now() + OVERLAP_MS);
    known((isUuid(id) && (await inAnswerTime(this.endpoints.rotateSecret(id, secret, OVERLAP_MS)))) || undefined);
    return { secret, previousUntil };
  }

  /** @throws PolyscribeError `not_found` */
  async delete(id: string): Promise<void> {
    known((isUuid(id) && (await inAnswerTime(this.endpoints.delete(id)))) || undefined);
  }

  /** What is on its way or has been sent, newest first. @throws PolyscribeError `invalid_request`, `not_found` */
  async listDeliveries(filter: DeliveryFilter): Promise<DeliveryPage> {
    if (filter.endpointId !== undefined) await this.get(filter.endpointId);
    return inAnswerTime(this.deliveries.list(filter));
  }

  /** Sends it again, under the same id. @throws PolyscribeError `not_found` */
  async redeliver(deliveryId: string): Promise<void> {
    const found = isUuid(deliveryId) && (await inAnswerTime(this.deliveries.redeliver(deliveryId)));
    known(found || undefined, 'There is no such delivery.');
  }
}

function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

function read<T extends z.ZodObject>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw invalid(fieldErrors(parsed.error.issues, Object.keys(schema.shape)));
  return parsed.data;
}

function known<T>(found: T | undefined, message = 'There is no such webhook endpoint.'): T {
  if (found !== undefined) return found;
  throw new PolyscribeError('not_found', message);
}
