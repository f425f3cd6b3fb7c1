import { json, operation, query } from './api-operation.js';
import type { Parameter, Paths } from './openapi-types.js';

const id: Parameter = { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } };
const ifMatch: Parameter = {
  name: 'If-Match',
  in: 'header',
  schema: { type: 'string' },
  description: 'The `ETag` that the client has seen: what was changed since then is left alone.',
};
const content = {
  required: true,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/ContextContent' } } },
};

export const contextPaths: Paths = {
  '/api/contexts': {
    get: operation({
      id: 'listContexts',
      tag: 'contexts',
      summary: 'Contexts without their terms, newest first',
      parameters: [
        query('limit', { type: 'integer', minimum: 1, maximum: 200, default: 50 }, 'Length of a page.'),
        query('cursor', { type: 'string' }, '`next_cursor` of the page before.'),
      ],
      ok: { 200: json('ContextList', 'A page.') },
      errors: ['invalid_request'],
    }),
    post: {
      ...operation({
        id: 'createContext',
        tag: 'contexts',
        summary: 'Keep a vocabulary for jobs to name',
        ok: { 201: json('Context', 'The context; `Location` and `ETag` are set.') },
        errors: ['invalid_request', 'payload_too_large', 'unsupported_media'],
      }),
      requestBody: content,
    },
  },
  '/api/contexts/{id}': {
    get: operation({
      id: 'getContext',
      tag: 'contexts',
      summary: 'A context with its terms',
      parameters: [id],
      ok: { 200: json('Context', 'The context; `ETag` is set.') },
      errors: ['context_not_found'],
    }),
    put: {
      ...operation({
        id: 'replaceContext',
        tag: 'contexts',
        summary: 'Put other content in the place of the one before',
        parameters: [id, ifMatch],
        ok: { 200: json('Context', 'The changed context; `ETag` is set.') },
        errors: [
          'invalid_request',
          'context_not_found',
          'precondition_failed',
          'payload_too_large',
          'unsupported_media',
        ],
      }),
      requestBody: content,
    },
    delete: operation({
      id: 'deleteContext',
      tag: 'contexts',
      summary: 'Remove a context',
      description: 'Jobs that named it keep their copies.',
      parameters: [id, ifMatch],
      ok: { 204: { description: 'It is gone.' } },
      errors: ['context_not_found', 'precondition_failed'],
    }),
  },
};
