import { contextPaths } from './context-paths.js';
import { evaluationPaths } from './evaluation-paths.js';
import { jobPaths } from './job-paths.js';
import { legacyPaths } from './legacy-paths.js';
import { type Method, methods, type Operation, type Paths, type Responses } from './openapi-types.js';
import { operationPaths } from './operation-paths.js';
import { errorResponses } from './api-operation.js';
import { routingPaths } from './routing-paths.js';
import { transcriptPaths } from './transcript-paths.js';
import { uploadPaths } from './upload-paths.js';
import { webhookPaths } from './webhook-paths.js';

const described: Paths = {
  ...jobPaths,
  ...routingPaths,
  ...transcriptPaths,
  ...evaluationPaths,
  ...contextPaths,
  ...uploadPaths,
  ...webhookPaths,
  ...legacyPaths,
  ...operationPaths,
};

/** A body that is too large or of a type that nobody reads is refused also where no body is wanted. */
const bodyErrors: Responses = errorResponses(['payload_too_large', 'unsupported_media']);
const bodiless: readonly Method[] = ['get', 'head'];

function withBodyErrors(operation: Operation): Operation {
  return { ...operation, responses: { ...bodyErrors, ...operation.responses } };
}

/** Every route that the gateway serves. `HEAD`, which works wherever `GET` does, is named where it stands alone. */
export const paths: Paths = Object.fromEntries(
  Object.entries(described).map(([path, operations]) => [
    path,
    Object.fromEntries(
      methods.flatMap((method) => {
        const operation = operations[method];
        if (!operation) return [];
        return [[method, bodiless.includes(method) ? operation : withBodyErrors(operation)]];
      }),
    ),
  ]),
);
