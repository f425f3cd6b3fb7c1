import { answer, json, operation } from './api-operation.js';
import type { Content, Operation, Paths } from './openapi-types.js';

const health = (id: string, summary: string): { get: Operation } => ({
  get: operation({
    id,
    tag: 'operations',
    summary,
    ok: { 200: json('Health', 'Up, or degraded.'), 503: json('Health', 'No work can be taken.') },
  }),
});

function content(mediaType: string): Content {
  return { [mediaType]: { schema: { type: 'string' } } };
}

/** For operators, and the document itself. */
export const operationPaths: Paths = {
  '/health/live': {
    get: operation({
      id: 'live',
      tag: 'operations',
      summary: 'Whether the process runs',
      ok: { 200: json('Live', 'It does.') },
    }),
  },
  '/health/ready': health('ready', 'Whether work can be taken'),
  '/health': health('health', 'How each component is'),
  '/metrics': {
    get: operation({
      id: 'metrics',
      tag: 'operations',
      summary: 'Metrics for Prometheus',
      ok: { 200: answer('Text.', {}, content('text/plain')) },
    }),
  },
  '/openapi.json': {
    get: operation({
      id: 'openApiDocument',
      tag: 'operations',
      summary: 'This document',
      ok: { 200: answer('OpenAPI 3.1.', {}, { 'application/json': { schema: { type: 'object' } } }) },
    }),
  },
  '/docs': {
    get: operation({
      id: 'documentationPage',
      tag: 'operations',
      summary: 'A page to read this document',
      ok: { 200: answer('The page.', {}, content('text/html')) },
    }),
  },
  '/docs/start.js': {
    get: operation({
      id: 'documentationStart',
      tag: 'operations',
      summary: 'What starts the page',
      ok: { 200: answer('A script.', {}, content('text/javascript')) },
    }),
  },
  '/docs/{file}': {
    get: operation({
      id: 'documentationFile',
      tag: 'operations',
      summary: 'A file of the page',
      parameters: [{ name: 'file', in: 'path', required: true, schema: { type: 'string' }, example: 'swagger-ui.css' }],
      ok: {
        200: answer(
          'The file.',
          {},
          { ...content('text/css'), ...content('text/javascript'), 'image/png': { schema: {} } },
        ),
        308: answer('Without a name: to the page.', { Location: 'Location' }),
      },
      errors: ['not_found'],
    }),
  },
};
