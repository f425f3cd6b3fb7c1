import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { WebhookDelivery, WebhookEndpoint } from '#contracts';
import type { DeliveryPage } from '#persistence';
import { pageFields, pageOf, pageSchema, parseQuery } from '../jobs/job-queries.service.js';
import { Webhooks } from '../webhooks/webhooks.service.js';

const uuid = z.guid({ error: 'must be a UUID' });

/** The query of the log of deliveries. */
export const deliveryFilter = z.strictObject({
  endpoint_id: uuid.optional().describe('Only those of this endpoint.'),
  job_id: uuid.optional().describe('Only those of this job.'),
  ...pageFields,
});
const deliveryQuerySchema = deliveryFilter.transform(({ endpoint_id: endpointId, job_id: jobId, ...page }) => ({
  ...pageOf(page),
  ...(endpointId === undefined ? {} : { endpointId }),
  ...(jobId === undefined ? {} : { jobId }),
}));

export interface EndpointBody {
  id: string;
  url: string;
  event_types: readonly string[];
  payload: string;
  description: string;
  enabled: boolean;
  disabled_reason: string | null;
  created_at: string;
  updated_at: string;
}

export interface DeliveryBody {
  id: string;
  endpoint_id: string | null;
  job_id: string;
  event: string;
  occurred_at: string;
  state: string;
  next_try_at: string | null;
  delivered_at: string | null;
  tries: { at: string; seconds: number; status: number | null; error: string | null; response: string | null }[];
}

interface DeliveryPageBody {
  deliveries: DeliveryBody[];
  next_cursor?: string;
}

@Controller('api/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  /** The secret is shown here and never again. */
  @Post('endpoints')
  @RouteConfig({ takesBody: true })
  async create(
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<EndpointBody & { secret: string }> {
    const { endpoint, secret } = await this.webhooks.create(body);
    reply.header('location', `/api/webhooks/endpoints/${endpoint.id}`);
    return { ...endpointBody(endpoint), secret };
  }

  @Get('endpoints')
  async list(): Promise<{ endpoints: EndpointBody[] }> {
    return { endpoints: (await this.webhooks.list()).map(endpointBody) };
  }

  @Get('endpoints/:endpointId')
  async get(@Param('endpointId') id: string): Promise<EndpointBody> {
    return endpointBody(await this.webhooks.get(id));
  }

  @Patch('endpoints/:endpointId')
  @RouteConfig({ takesBody: true })
  async change(@Param('endpointId') id: string, @Body() body: unknown): Promise<EndpointBody> {
    return endpointBody(await this.webhooks.change(id, body));
  }

  @Delete('endpoints/:endpointId')
  @HttpCode(204)
  async delete(@Param('endpointId') id: string): Promise<void> {
    await this.webhooks.delete(id);
  }

  @Post('endpoints/:endpointId/rotate-secret')
  @HttpCode(200)
  async rotateSecret(@Param('endpointId') id: string): Promise<{ secret: string; previous_valid_until: string }> {
    const { secret, previousUntil } = await this.webhooks.rotateSecret(id);
    return { secret, previous_valid_until: previousUntil.toISOString() };
  }

  @Get('endpoints/:endpointId/deliveries')
  @RouteConfig({ takesQuery: true })
  async listOfEndpoint(@Param('endpointId') endpointId: string, @Query() query: unknown): Promise<DeliveryPageBody> {
    return pageBody(await this.webhooks.listDeliveries({ ...parseQuery(pageSchema, query), endpointId }));
  }

  @Get('deliveries')
  @RouteConfig({ takesQuery: true })
  async listDeliveries(@Query() query: unknown): Promise<DeliveryPageBody> {
    return pageBody(await this.webhooks.listDeliveries(parseQuery(deliveryQuerySchema, query)));
  }

  @Post('deliveries/:deliveryId/redeliver')
  @HttpCode(202)
  async redeliver(@Param('deliveryId') id: string): Promise<{ id: string; message: string }> {
    await this.webhooks.redeliver(id);
    return { id, message: 'It is sent again, under the same id.' };
  }
}

function endpointBody(endpoint: WebhookEndpoint): EndpointBody {
  const { id, url, eventTypes, payload, description, disabledReason, createdAt, updatedAt } = endpoint;
  return {
    ...{ id, url, event_types: eventTypes, payload, description },
    enabled: disabledReason === undefined,
    disabled_reason: disabledReason ?? null,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}

function pageBody({ deliveries, nextCursor }: DeliveryPage): DeliveryPageBody {
  return {
    deliveries: deliveries.map(deliveryBody),
    ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
  };
}

function deliveryBody(delivery: WebhookDelivery): DeliveryBody {
  return {
    id: delivery.id,
    endpoint_id: delivery.endpointId ?? null,
    job_id: delivery.jobId,
    event: delivery.event,
    occurred_at: delivery.occurredAt.toISOString(),
    state: delivery.state,
    next_try_at: delivery.nextTryAt?.toISOString() ?? null,
    delivered_at: delivery.deliveredAt?.toISOString() ?? null,
    tries: delivery.tries.map(({ at, durationMs, status, error, response }) => ({
      at,
      seconds: durationMs / 1000,
      status: status ?? null,
      error: error ?? null,
      response: response ?? null,
    })),
  };
}
