import { MAX_URL_LENGTH } from '#outbound-http';
import { contextSchema } from '../contexts/context.schema.js';
import { evaluationSchema } from '../evaluation/evaluation.schema.js';
import { jobOptionsSchema } from '../submit/job-options.schema.js';
import { documentedReportSchema } from '../webhooks/report.schema.js';
import { endpointChangeSchema, endpointSchema } from '../webhooks/webhook.schema.js';
import { shapeOf } from './json-schema.js';
import type { Content, MediaType } from './openapi-types.js';

const file = { type: 'string', contentMediaType: 'application/octet-stream', description: 'The recording.' };

/** Where a recording lies that does not come along. */
const elsewhere = {
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
};

/** Fields that are objects have this form wherever they are sent. */
const metadata = { type: 'object', additionalProperties: true, description: 'A JSON object; echoed.' };

/** The fields of a predecessor beside ours, or in their place. */
type OwnFields = Readonly<Record<string, object>>;

/** The options with the file beside them, as a multipart form has them. */
function withFile(own: OwnFields = {}): object {
  return submission({ file, ...elsewhere }, own);
}

/** The options with the name of what is to be transcribed, as JSON or a form. */
function byName(own: OwnFields = {}): object {
  return submission(elsewhere, own);
}

function submission(sources: Readonly<Record<string, object>>, own: OwnFields): object {
  return {
    type: 'object',
    oneOf: Object.keys(sources).map((name) => ({ required: [name] })),
    additionalProperties: false,
    properties: { ...sources, ...shapeOf(jobOptionsSchema).properties, metadata, ...own },
  };
}

const librarySubmission = {
  diarization: { type: 'boolean', description: 'What is called enable_diarization elsewhere.' },
};
const workerSubmission = {
  source_type: { type: 'string', enum: ['url', 'upload'], description: 'Says again what file or url says.' },
  output: {
    type: 'string',
    enum: ['srt', 'vtt', 'txt'],
    description: 'Which file the result is to be: says what result_file says.',
  },
};

/** Bodies of requests, made of the schemas that check them. */
export const requestSchemas = {
  Submission: withFile(),
  SubmissionByName: byName(),
  LibrarySubmission: withFile(librarySubmission),
  LibrarySubmissionByName: byName(librarySubmission),
  WorkerSubmission: withFile(workerSubmission),
  WorkerSubmissionByName: byName(workerSubmission),
  ContextContent: shapeOf(contextSchema),
  EvaluationRequest: shapeOf(evaluationSchema, 'input'),
  WebhookEndpointContent: shapeOf(endpointSchema, 'input'),
  WebhookEndpointChange: shapeOf(endpointChangeSchema),
  RemoteReport: shapeOf(documentedReportSchema, 'input'),
} as const satisfies Record<string, object>;
export type RequestSchemaName = keyof typeof requestSchemas;

/** Objects in a form are written as JSON, and not taken apart. */
const encoding = {
  metadata: { contentType: 'application/json' },
  engine_options: { contentType: 'application/json' },
};

/** A submission in each of the forms in which it is taken. */
export function submissionBody(name: 'Submission' | 'LibrarySubmission' | 'WorkerSubmission' = 'Submission'): Content {
  const whole: MediaType = { schema: { $ref: `#/components/schemas/${name}` }, encoding };
  const named: MediaType = { schema: { $ref: `#/components/schemas/${name}ByName` } };
  return {
    'multipart/form-data': whole,
    'application/json': named,
    'application/x-www-form-urlencoded': { ...named, encoding },
  };
}
