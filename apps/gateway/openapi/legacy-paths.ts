import type { ErrorCode } from '#contracts';
import { legacyRoutes } from '../legacy/legacy-routes.js';
import type { LegacyRoute } from '../legacy/legacy-route.js';
import { operation } from './api-operation.js';
import type { Operation, Parameter, Paths } from './openapi-types.js';

const id: Parameter = { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } };

const errors: readonly ErrorCode[] = [
  'invalid_request',
  'job_not_found',
  'transcript_not_found',
  'job_not_completed',
  'payload_too_large',
  'unsupported_media',
  'url_not_allowed',
];

/** Paths of predecessors, made from the table that serves them; docs/api.md says how they differ from what they were. */
export const legacyPaths: Paths = Object.fromEntries(
  [...new Set(legacyRoutes.map(({ path }) => path))].map((path) => [
    path.replace(':id', '{id}'),
    Object.fromEntries(
      legacyRoutes
        .filter((route) => route.path === path)
        .flatMap((route) => route.methods.map((method) => [method.toLowerCase(), operationOf(route, method)])),
    ),
  ]),
);

function operationOf({ path, summary }: LegacyRoute, method: string): Operation {
  const name = path.replaceAll(/[/:]+(\w)/g, (_, letter: string) => letter.toUpperCase());
  return operation({
    id: `legacy${method.charAt(0)}${method.slice(1).toLowerCase()}${name}`,
    tag: 'predecessors',
    summary,
    ...(path.includes(':id') ? { parameters: [id] } : {}),
    ok: { '2XX': { description: 'As clients of the predecessor know it.' } },
    errors,
  });
}
