import { z } from 'zod';
import { type ErrorCode, errorTable } from '#contracts';
import { type HeaderName, headerRef, refusalName } from './api-components.js';
import type { Content, Operation, Parameter, Reference, Response, Responses } from './openapi-types.js';
import type { SchemaName } from './response-schemas.js';
import { shapeOf } from './json-schema.js';

export const tags = {
  jobs: 'Submissions, and what becomes of them.',
  uploads: 'Resumable uploads, by the protocol tus 1.0.',
  transcripts: 'Files of transcripts and recordings.',
  contexts: 'Vocabularies for jobs to name.',
  webhooks: 'Addresses that hear of the ends of jobs.',
  engines: 'What can transcribe.',
  operations: 'For operators.',
  predecessors: 'Paths, fields and words that clients of earlier systems know.',
} as const;

/** What is said of an operation in the document; the rest of it is the same everywhere. */
export interface OperationNotes {
  readonly id: string;
  readonly tag: keyof typeof tags;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: Content;
  readonly ok: Responses;
  readonly errors?: readonly ErrorCode[];
}

/** Any route can answer these: to a malformed path, a foreign page, a part of the mesh that is away. */
const everywhere: readonly ErrorCode[] = ['invalid_request', 'forbidden', 'internal', 'dependency_unavailable'];

export function operation(notes: OperationNotes): Operation {
  const errors = errorResponses([...new Set([...(notes.errors ?? []), ...everywhere])]);
  return {
    operationId: notes.id,
    tags: [notes.tag],
    summary: notes.summary,
    ...(notes.description === undefined ? {} : { description: notes.description }),
    ...(notes.parameters === undefined ? {} : { parameters: notes.parameters }),
    ...(notes.body === undefined ? {} : { requestBody: { required: true, content: notes.body } }),
    responses: { ...errors, ...Object.fromEntries(Object.entries(notes.ok).map(([code, ok]) => [code, traced(ok)])) },
  };
}

function traced(response: Response): Response {
  if ('$ref' in response) return response;
  return { ...response, headers: { 'X-Request-Id': headerRef('RequestId'), ...response.headers } };
}

/** One response for each HTTP status: codes that share one are told apart by `code`. */
export function errorResponses(codes: readonly ErrorCode[]): Responses {
  const statuses = new Set(codes.map((code) => errorTable[code].httpStatus));
  return Object.fromEntries(
    [...statuses].map((status): [number, Reference] => {
      const sharing = codes.filter((code) => errorTable[code].httpStatus === status);
      return [status, { $ref: `#/components/responses/${refusalName(sharing)}` }];
    }),
  );
}

export function schemaRef(name: SchemaName): Reference {
  return { $ref: `#/components/schemas/${name}` };
}

/** A JSON answer. @param headers those that it has besides the request's id */
export function json(
  name: SchemaName,
  description: string,
  headers: Readonly<Record<string, HeaderName>> = {},
): Response {
  return answer(description, headers, { 'application/json': { schema: schemaRef(name) } });
}

export function answer(
  description: string,
  headers: Readonly<Record<string, HeaderName>> = {},
  content?: Content,
): Response {
  return {
    description,
    headers: Object.fromEntries(Object.entries(headers).map(([header, of]) => [header, headerRef(of)])),
    ...(content === undefined ? {} : { content }),
  };
}

export function jsonBody(name: SchemaName): Content {
  return { 'application/json': { schema: schemaRef(name) } };
}

export function idIn(name: string): Parameter {
  return {
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', format: 'uuid' },
    example: '7f0c2f5e-8f5f-4d0e-9d0a-3c1b5f2a6e11',
  };
}

export function query(name: string, schema: object, description: string): Parameter {
  return { name, in: 'query', schema, description };
}

export function header(name: string, schema: object, description: string, required = false): Parameter {
  return { name, in: 'header', required, schema, description };
}

/** The parameters that the schema of a query takes. */
export function queryOf(schema: z.ZodType): Parameter[] {
  const { properties = {} } = shapeOf(schema);
  return Object.entries(properties).map(([name, { description = '', ...rest }]) => query(name, rest, description));
}
