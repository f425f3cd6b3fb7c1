import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context, ContextSummary, Phrase } from '#contracts';
import { Contexts } from '../contexts/contexts.service.js';
import { pageSchema, parseQuery } from '../jobs/job-queries.service.js';
import { isKnown, REVALIDATED } from './conditional.js';

export interface ContextBody {
  id: string;
  name: string;
  language?: string;
  terms: readonly Phrase[];
  created_at: string;
  updated_at: string;
}

export type ContextSummaryBody = Omit<ContextBody, 'terms'> & { terms_count: number };

@Controller('api/contexts')
export class ContextsController {
  constructor(private readonly contexts: Contexts) {}

  @Post()
  @RouteConfig({ takesBody: true })
  async create(@Body() body: unknown, @Res({ passthrough: true }) reply: FastifyReply): Promise<ContextBody> {
    const context = await this.contexts.create(body);
    reply.header('location', `/api/contexts/${context.id}`);
    return shown(context, reply);
  }

  @Get()
  @RouteConfig({ takesQuery: true })
  async list(@Query() query: unknown): Promise<{ contexts: ContextSummaryBody[]; next_cursor?: string }> {
    const { contexts, nextCursor } = await this.contexts.list(parseQuery(pageSchema, query));
    return { contexts: contexts.map(summaryBody), ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }) };
  }

  /** 304 for a client that has it. */
  @Get(':contextId')
  async get(
    @Param('contextId') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContextBody | undefined> {
    const context = await this.contexts.get(id);
    const body = shown(context, reply);
    reply.header('cache-control', REVALIDATED);
    if (!isKnown(request.headers['if-none-match'], tagOf(context))) return body;
    reply.code(304);
    return undefined;
  }

  /** With `If-Match` only what the client has seen is replaced. */
  @Put(':contextId')
  @RouteConfig({ takesBody: true })
  async replace(
    @Param('contextId') id: string,
    @Body() body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ContextBody> {
    return shown(await this.contexts.replace(id, body, revisionIn(ifMatch)), reply);
  }

  @Delete(':contextId')
  @HttpCode(204)
  async delete(@Param('contextId') id: string, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    await this.contexts.delete(id, revisionIn(ifMatch));
  }
}

/** No context ever has this revision, so that it matches none. */
const NO_REVISION = 0;

/** The revision that an `If-Match` header names (RFC 9110, 13.1.1); a tag that we never gave matches nothing. */
function revisionIn(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  return Number(/^"(\d{1,9})"$/.exec(ifMatch)?.[1] ?? NO_REVISION);
}

function shown(context: Context, reply: FastifyReply): ContextBody {
  reply.header('etag', tagOf(context));
  return { ...head(context), terms: context.terms };
}

function tagOf({ revision }: Context): string {
  return `"${revision}"`;
}

function summaryBody(context: ContextSummary): ContextSummaryBody {
  return { ...head(context), terms_count: context.termCount };
}

function head({ id, name, language, createdAt, updatedAt }: Context | ContextSummary): Omit<ContextBody, 'terms'> {
  return {
    id,
    name,
    ...(language === undefined ? {} : { language }),
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
