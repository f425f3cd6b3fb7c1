import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseQuery } from '../jobs/job-queries.service.js';
import { enginesQuerySchema, preferredForm } from './engines-form.js';
import { enginesPage, enginesPagePolicy } from './engines-page.js';
import { EnginesQuery } from './engines.service.js';
import { enginesText } from './engines-text.js';

/** The engines at the address that operators try first: a table for terminals, a page for browsers, JSON for programs. */
@Controller('engines')
export class EnginesController {
  constructor(private readonly engines: EnginesQuery) {}

  @Get()
  @RouteConfig({ takesQuery: true })
  async list(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const form = parseQuery(enginesQuerySchema, query).format ?? preferredForm(request.headers.accept);
    const view = this.engines.view();
    reply.header('vary', 'accept');
    if (form === 'json') await reply.type('application/json; charset=utf-8').send(JSON.stringify(view));
    else if (form === 'text') await reply.type('text/plain; charset=utf-8').send(enginesText(view, new Date()));
    else {
      reply.header('content-security-policy', enginesPagePolicy);
      await reply.type('text/html; charset=utf-8').send(enginesPage(view, new Date()));
    }
  }
}
