import { z } from 'zod';
import { pageFields } from '../jobs/job-queries.service.js';
import { answer, header, idIn, json, jsonBody, operation, queryOf } from './api-operation.js';
import { ifNoneMatch, unchanged } from './job-paths.js';
import type { Paths } from './openapi-types.js';

const id = idIn('id');
const ifMatch = header(
  'If-Match',
  { type: 'string' },
  'The `ETag` that the client has seen: what was changed since then is left alone.',
);
const body = jsonBody('ContextContent');

export const contextPaths: Paths = {
  '/api/contexts': {
    get: operation({
      id: 'listContexts',
      tag: 'contexts',
      summary: 'Contexts without their terms, newest first',
      parameters: queryOf(z.strictObject(pageFields)),
      ok: { 200: json('ContextList', 'A page.') },
    }),
    post: operation({
      id: 'createContext',
      tag: 'contexts',
      summary: 'Keep a vocabulary for jobs to name',
      body,
      ok: { 201: json('Context', 'The context.', { Location: 'Location', ETag: 'ETag' }) },
    }),
  },
  '/api/contexts/{id}': {
    get: operation({
      id: 'getContext',
      tag: 'contexts',
      summary: 'A context with its terms',
      parameters: [id, ifNoneMatch],
      ok: { 200: json('Context', 'The context.', { ETag: 'ETag' }), ...unchanged },
      errors: ['context_not_found'],
    }),
    put: operation({
      id: 'replaceContext',
      tag: 'contexts',
      summary: 'Put other content in the place of the one before',
      parameters: [id, ifMatch],
      body,
      ok: { 200: json('Context', 'The changed context.', { ETag: 'ETag' }) },
      errors: ['context_not_found', 'precondition_failed'],
    }),
    delete: operation({
      id: 'deleteContext',
      tag: 'contexts',
      summary: 'Remove a context',
      description: 'Jobs that named it keep their copies.',
      parameters: [id, ifMatch],
      ok: { 204: answer('It is gone.') },
      errors: ['context_not_found', 'precondition_failed'],
    }),
  },
};
