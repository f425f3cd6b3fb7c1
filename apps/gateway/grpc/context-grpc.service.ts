import { Injectable } from '@nestjs/common';
import type { Context, ContextSummary } from '#contracts';
import type { jobV1 } from '#protos';
import { Contexts } from '../contexts/contexts.service.js';
import { pageSchema, parseQuery } from '../jobs/job-queries.service.js';

/** Contexts over gRPC: the same use cases as the REST routes. */
@Injectable()
export class ContextGrpcService implements jobV1.ContextServiceImplementation {
  constructor(private readonly contexts: Contexts) {}

  async createContext({ content }: jobV1.CreateContextRequest): Promise<jobV1.CreateContextResponse> {
    return { context: contextToWire(await this.contexts.create(fieldsOf(content))) };
  }

  async getContext({ contextId }: jobV1.GetContextRequest): Promise<jobV1.GetContextResponse> {
    return { context: contextToWire(await this.contexts.get(contextId)) };
  }

  async listContexts({ pageSize, pageToken }: jobV1.ListContextsRequest): Promise<jobV1.ListContextsResponse> {
    const page = parseQuery(pageSchema, { limit: pageSize || undefined, cursor: pageToken || undefined });
    const { contexts, nextCursor } = await this.contexts.list(page);
    return { contexts: contexts.map(summaryToWire), nextPageToken: nextCursor ?? '' };
  }

  async updateContext(request: jobV1.UpdateContextRequest): Promise<jobV1.UpdateContextResponse> {
    const { contextId, content, revision } = request;
    return { context: contextToWire(await this.contexts.replace(contextId, fieldsOf(content), revision || undefined)) };
  }

  async deleteContext({ contextId, revision }: jobV1.DeleteContextRequest): Promise<jobV1.DeleteContextResponse> {
    await this.contexts.delete(contextId, revision || undefined);
    return {};
  }
}

/** The content under its REST names. */
function fieldsOf(content: jobV1.ContextContent | undefined): unknown {
  return content && { name: content.name, language: content.language, terms: content.terms };
}

function contextToWire(context: Context): jobV1.Context {
  const { terms } = context;
  return {
    ...summaryToWire({ ...context, termCount: terms.length }),
    terms: terms.map(({ phrase, boost }) => ({ phrase, boost })),
  };
}

function summaryToWire({ id, createdAt, updatedAt, ...summary }: ContextSummary): jobV1.Context {
  return {
    contextId: id,
    name: summary.name,
    language: summary.language ?? '',
    terms: [],
    termCount: summary.termCount,
    revision: summary.revision,
    createTime: createdAt,
    updateTime: updatedAt,
  };
}
