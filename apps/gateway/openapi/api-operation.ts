import { z } from 'zod';
import { type ErrorCode, errorTable } from '#contracts';
import type { Operation, Parameter, Response, Responses } from './openapi-types.js';
import type { SchemaName } from './response-schemas.js';

/** What is said of an operation in the document; the rest of it is the same everywhere. */
export interface OperationNotes {
  readonly id: string;
  readonly tag:
    'jobs' | 'uploads' | 'transcripts' | 'contexts' | 'webhooks' | 'engines' | 'operations' | 'predecessors';
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly ok: Responses;
  readonly errors?: readonly ErrorCode[];
}

/** Any route can answer these. */
const everywhere: readonly ErrorCode[] = ['internal', 'dependency_unavailable'];

export function operation(notes: OperationNotes): Operation {
  return {
    operationId: notes.id,
    tags: [notes.tag],
    summary: notes.summary,
    ...(notes.description === undefined ? {} : { description: notes.description }),
    ...(notes.parameters === undefined ? {} : { parameters: notes.parameters }),
    responses: { ...notes.ok, ...errorResponses([...(notes.errors ?? []), ...everywhere]) },
  };
}

/** One response for each HTTP status: codes that share one are told apart by `code`. */
function errorResponses(codes: readonly ErrorCode[]): Responses {
  const statuses = new Set(codes.map((code) => errorTable[code].httpStatus));
  return Object.fromEntries(
    [...statuses].map((status): [number, Response] => {
      const sharing = codes.filter((code) => errorTable[code].httpStatus === status);
      const [only] = sharing;
      if (sharing.length === 1 && only) return [status, { $ref: `#/components/responses/${only}` }];
      const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
      return [status, { description: sharing.map((code) => `\`${code}\``).join(', '), content }];
    }),
  );
}

export function json(name: SchemaName, description: string): Response {
  return { description, content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } } };
}

export function query(name: string, schema: object, description: string): Parameter {
  return { name, in: 'query', schema, description };
}

/** The parameters that the schema of a query takes. */
export function queryOf(schema: z.ZodType): Parameter[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'output' });
  return Object.entries(properties).map(([name, property]) => {
    const { description = '', ...rest } = typeof property === 'object' ? property : {};
    return query(name, rest, description);
  });
}
