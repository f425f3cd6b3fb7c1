import { z } from 'zod';
import { type ErrorCode, errorTable } from '#contracts';
import { MAX_URL_LENGTH } from '#outbound-http';
import { contextSchema } from '../contexts/context.schema.js';
import { jobOptionsSchema } from '../submit/job-options.schema.js';
import { endpointChangeSchema, endpointSchema } from '../webhooks/webhook.schema.js';
import { paths } from './api-paths.js';
import type { ApiDocument, Response } from './openapi-types.js';
import { responseSchemas } from './response-schemas.js';

/** The OpenAPI 3.1 document; its schemas are made from those that check requests. */
export function apiDocument(serverUrl: string): ApiDocument {
  const schemas = Object.fromEntries(
    Object.entries(responseSchemas).map(([name, schema]) => [name, jsonSchema(schema)]),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Polyscribe',
      version: '1',
      description:
        'Transcription jobs over several speech engines. Times are seconds from the start of the audio, instants are ISO 8601 UTC.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      schemas: {
        ...schemas,
        Submission: submissionSchema(),
        ContextContent: jsonSchema(contextSchema),
        WebhookEndpointContent: jsonSchema(endpointSchema, 'input'),
        WebhookEndpointChange: jsonSchema(endpointChangeSchema),
      },
      responses: Object.fromEntries(
        (Object.keys(errorTable) as ErrorCode[]).map((code) => [code, problemResponse(code)]),
      ),
    },
  };
}

/** Without its dialect, which OpenAPI 3.1 names once for all. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): object {
  const entries = Object.entries(z.toJSONSchema(schema, { io, unrepresentable: 'any' }));
  return Object.fromEntries(entries.filter(([name]) => name !== '$schema'));
}

/** The options with the file beside them, as the form has them. */
function submissionSchema(): object {
  const options = jsonSchema(jobOptionsSchema) as { properties: Record<string, object> };
  return {
    type: 'object',
    oneOf: [{ required: ['file'] }, { required: ['url'] }, { required: ['upload_id'] }],
    additionalProperties: false,
    properties: {
      file: { type: 'string', contentMediaType: 'application/octet-stream', description: 'The recording.' },
      url: {
        type: 'string',
        format: 'uri',
        maxLength: MAX_URL_LENGTH,
        description:
          'Where the recording lies, instead of file: http or https, on the public internet. A worker fetches it.',
      },
      upload_id: {
        type: 'string',
        format: 'uuid',
        description: 'A finished upload of /api/uploads, instead of file: what follows the last slash of its Location.',
      },
      ...options.properties,
      metadata: { type: 'object', additionalProperties: true, description: 'A JSON object; echoed.' },
    },
  };
}

function problemResponse(code: ErrorCode): Response {
  return {
    description: `${errorTable[code].title} (\`${code}\`)`,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
