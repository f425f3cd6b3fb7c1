import { headers, refusal } from './api-components.js';
import { tags } from './api-operation.js';
import { paths } from './api-paths.js';
import { examples } from './examples.js';
import { shapeOf } from './json-schema.js';
import type { ApiDocument } from './openapi-types.js';
import { requestSchemas } from './request-schemas.js';
import { responseSchemas } from './response-schemas.js';

/** The OpenAPI 3.1 document; its schemas are made from those that check requests. */
export function apiDocument(serverUrl: string): ApiDocument {
  const schemas: Record<string, object> = {
    ...requestSchemas,
    ...Object.fromEntries(Object.entries(responseSchemas).map(([name, schema]) => [name, shapeOf(schema)])),
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Polyscribe',
      version: '1',
      description:
        'Transcription jobs over several speech engines. Times are seconds from the start of the audio, instants are ISO 8601 UTC. Errors are problem documents (RFC 9457) with a `code`. `HEAD` works wherever `GET` does.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl }],
    security: [],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, { ...schema, examples: examples[name] ?? [] }]),
      ),
      responses: refusals(),
      headers,
    },
  };
}

/** Every kind of refusal that a route names. */
function refusals(): ApiDocument['components']['responses'] {
  const named = Object.values(paths)
    .flatMap((operations) => Object.values(operations))
    .flatMap(({ responses }) => Object.values(responses))
    .flatMap((response) => ('$ref' in response ? [response.$ref.split('/').at(-1) ?? ''] : []));
  return Object.fromEntries([...new Set(named)].sort().map((name) => [name, refusal(name)]));
}
