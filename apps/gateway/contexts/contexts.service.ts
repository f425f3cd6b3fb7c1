import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Context, PolyscribeError } from '#contracts';
import { type ContextContent, type ContextPage, ContextRepository } from '#persistence';
import { isUuid } from '../jobs/job-id.js';
import { fieldErrors, invalid } from '../submit/field-errors.js';
import { inAnswerTime } from '../answer-time.js';
import { contextFieldNames, contextSchema } from './context.schema.js';

/** Keeps the vocabularies that jobs can name. */
@Injectable()
export class Contexts {
  constructor(private readonly contexts: ContextRepository) {}

  /** @throws PolyscribeError `invalid_request` */
  create(fields: unknown): Promise<Context> {
    return soon(this.contexts.create(randomUUID(), contentOf(fields)));
  }

  /** @throws PolyscribeError `context_not_found` */
  async get(id: string): Promise<Context> {
    return known(id, isUuid(id) ? await soon(this.contexts.find(id)) : undefined);
  }

  /** The one that a submission names. @throws PolyscribeError `context_not_found` that points at its field */
  async named(id: string): Promise<Context> {
    const context = isUuid(id) ? await this.contexts.find(id) : undefined;
    return known(id, context, [{ pointer: '/context_id', detail: 'is no context that there is' }]);
  }

  list(page: { readonly limit: number; readonly cursor?: string }): Promise<ContextPage> {
    return soon(this.contexts.list(page));
  }

  /**
   * Puts the content in the place of the one before.
   *
   * @param revision the one that the client has seen; undefined takes any
   * @throws PolyscribeError `invalid_request`, `context_not_found`, `precondition_failed`
   */
  async replace(id: string, fields: unknown, revision?: number): Promise<Context> {
    const content = contentOf(fields);
    return known(id, isUuid(id) ? await soon(this.contexts.replace(id, content, revision)) : undefined);
  }

  /** Jobs keep their copies. @throws PolyscribeError `context_not_found`, `precondition_failed` */
  async delete(id: string, revision?: number): Promise<void> {
    const wasThere = isUuid(id) && (await soon(this.contexts.delete(id, revision)));
    known(id, wasThere || undefined);
  }
}

function soon<T>(answer: Promise<T>): Promise<T> {
  return inAnswerTime(answer);
}

function contentOf(fields: unknown): ContextContent {
  const parsed = contextSchema.safeParse(fields);
  if (!parsed.success) throw invalid(fieldErrors(parsed.error.issues, contextFieldNames));
  const { name, language, terms } = parsed.data;
  return {
    name,
    ...(language === undefined ? {} : { language }),
    terms: terms.map(({ phrase, boost }) => ({ phrase, ...(boost === undefined ? {} : { boost }) })),
  };
}

function known<T>(id: string, found: T | undefined, fields: PolyscribeError['fields'] = []): T {
  if (found !== undefined) return found;
  throw new PolyscribeError('context_not_found', `There is no context ${isUuid(id) ? id : 'with that id'}.`, {
    fields,
  });
}
