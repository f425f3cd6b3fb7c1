import { Controller, Get, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { type HealthView, HealthQuery } from '../jobs/health.service.js';
import { GatewayMetrics } from './metrics.service.js';

@Controller()
export class OperationsController {
  constructor(
    private readonly health: HealthQuery,
    private readonly metrics: GatewayMetrics,
  ) {}

  /** The process runs and its event loop turns: nothing else is asked, or a restart would be tried against an outage. */
  @Get('health/live')
  @RouteConfig({ takesQuery: true })
  live(): { status: string; service: string } {
    // The name tells a client that looks for a mesh on this port from whatever else may listen there.
    return { status: 'up', service: 'polyscribe' };
  }

  @Get(['health', 'health/ready'])
  @RouteConfig({ takesQuery: true })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<HealthView> {
    const view = await this.health.view();
    reply.code(view.status === 'down' ? 503 : 200);
    return view;
  }

  @Get('metrics')
  @RouteConfig({ takesQuery: true })
  async prometheus(@Res() reply: FastifyReply): Promise<void> {
    await reply.type(this.metrics.contentType).send(await this.metrics.render());
  }
}
