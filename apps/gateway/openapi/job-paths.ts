import type { ErrorCode } from '#contracts';
import { enginesQuerySchema } from '../engines/engines-form.js';
import { jobFilterSchema } from '../jobs/job-queries.service.js';
import { answer, header, idIn, json, operation, query, queryOf, schemaRef } from './api-operation.js';
import type { Operation, Parameter, Paths } from './openapi-types.js';
import { submissionBody } from './request-schemas.js';

const jobId = idIn('job_id');

export const ifNoneMatch = header(
  'If-None-Match',
  { type: 'string' },
  'The `ETag` of what the client has: 304 when that is still all.',
);
export const unchanged = { 304: answer('The client has it already.', { ETag: 'ETag' }) };

export const idempotencyKey: Parameter = {
  ...header(
    'Idempotency-Key',
    { type: 'string', minLength: 1, maxLength: 255 },
    'Sending the same submission again under its key within a day gives the same answer and no second job.',
  ),
  example: '4f1c9d0e-2a58-4a4f-8d8f-6f4b6d3c2e10',
};

export const submitErrors: readonly ErrorCode[] = [
  'unsupported_feature',
  'unsupported_language',
  'unknown_engine',
  'model_not_found',
  'payload_too_large',
  'unsupported_media',
  'context_not_found',
  'url_not_allowed',
  'idempotency_mismatch',
  'upload_not_found',
  'upload_conflict',
  'media_timeout',
  'no_engine',
];

export const replayable = { 'Idempotency-Replayed': 'IdempotencyReplayed' } as const;

function submission(id: string, summary: string): { post: Operation } {
  return {
    post: operation({
      id,
      tag: 'jobs',
      summary,
      description:
        'A recording comes as a file in a multipart form, is fetched from `url`, or was uploaded before as `upload_id`. The file is streamed, so it may be large; options may stand before or after it.',
      parameters: [idempotencyKey],
      body: submissionBody(),
      ok: { 202: json('Accepted', 'The job is queued.', replayable) },
      errors: submitErrors,
    }),
  };
}

const enginesSummary = 'Engines, whether they are up, and what they can do';
const everyEngine = 'Every kind of engine; those that are down say why.';

const engines: { get: Operation } = {
  get: operation({
    id: 'listEngines',
    tag: 'engines',
    summary: enginesSummary,
    ok: { 200: json('Engines', everyEngine) },
  }),
};

const enginesForOperators: { get: Operation } = {
  get: operation({
    id: 'listEnginesForOperators',
    tag: 'engines',
    summary: `${enginesSummary}, for people`,
    description: 'A table where `Accept` leaves the choice, as `curl` does; a page that renews itself for browsers.',
    parameters: queryOf(enginesQuerySchema),
    ok: {
      200: answer(
        everyEngine,
        {},
        {
          'text/plain': { schema: { type: 'string' } },
          'text/html': { schema: { type: 'string' } },
          'application/json': { schema: schemaRef('Engines') },
        },
      ),
    },
  }),
};

const lastEventId = header('Last-Event-ID', { type: 'string' }, 'The last event that the client has read.');

export const eventStream = answer(
  'The events.',
  {},
  {
    'text/event-stream': {
      schema: { type: 'string' },
      example: 'id: 3-0\nevent: delta\ndata: {"segment_id":"0-0","span":0,"text":"How are you?","t0":0.07,"t1":2}\n\n',
    },
  },
);

/** Everything about jobs under our own paths. */
export const jobPaths: Paths = {
  '/api/transcribe/jobs/transcribe': submission('submit', 'Transcribe a recording'),
  '/api/transcribe/jobs/transcribe/asr': submission('submitToAsr', 'Transcribe a recording with NVIDIA Riva'),
  '/api/transcribe/jobs/transcribe/whisperx': submission('submitToWhisperx', 'Transcribe a recording with WhisperX'),
  '/api/transcribe/jobs': {
    get: operation({
      id: 'listJobs',
      tag: 'jobs',
      summary: 'Jobs, newest first',
      parameters: queryOf(jobFilterSchema),
      ok: { 200: json('JobList', 'A page.') },
    }),
  },
  '/api/transcribe/jobs/stats': {
    get: operation({
      id: 'jobStats',
      tag: 'jobs',
      summary: 'How many jobs are in each status, and how many workers run',
      ok: { 200: json('Stats', 'Numbers.') },
    }),
  },
  '/api/transcribe/jobs/engines': engines,
  '/engines': enginesForOperators,
  '/api/transcribe/jobs/status/{job_id}': {
    get: operation({
      id: 'jobStatus',
      tag: 'jobs',
      summary: 'Where a job stands',
      parameters: [jobId],
      ok: { 200: json('Job', 'The job.') },
      errors: ['job_not_found'],
    }),
  },
  '/api/transcribe/jobs/stream/{job_id}': {
    get: operation({
      id: 'streamJob',
      tag: 'jobs',
      summary: 'What happens to a job, while it happens',
      description:
        'Server-sent events: unnamed ones for status, then `delta`, `partial`, `void`, and one of `completed`, `error`, `cancelled`, after which the server closes. Reconnecting with the last id continues without gap or repeat.',
      parameters: [
        jobId,
        lastEventId,
        query('last_event_id', { type: 'string' }, 'The same, for clients that cannot set headers.'),
      ],
      ok: { 200: eventStream, 204: answer('The job has ended and everything was read.') },
      errors: ['job_not_found'],
    }),
  },
  '/api/transcribe/jobs/result/{job_id}': {
    get: operation({
      id: 'jobResult',
      tag: 'jobs',
      summary: 'The transcript of a completed job',
      parameters: [jobId, ifNoneMatch],
      ok: { 200: json('Result', 'The transcript.', { ETag: 'ETag' }), ...unchanged },
      errors: ['job_not_found', 'job_not_completed'],
    }),
  },
  '/api/transcribe/jobs/{job_id}': {
    delete: operation({
      id: 'cancelJob',
      tag: 'jobs',
      summary: 'Cancel a job',
      parameters: [jobId],
      ok: {
        200: json('Cancelled', 'It was queued and is cancelled.'),
        202: json('Cancelled', 'It runs; its worker stops within two seconds.'),
      },
      errors: ['job_not_found', 'job_state_conflict'],
    }),
  },
  '/api/transcribe/jobs/{job_id}/retry': {
    post: operation({
      id: 'retryJob',
      tag: 'jobs',
      summary: 'Run a failed or cancelled job again',
      parameters: [jobId],
      ok: { 202: json('Accepted', 'The job is queued again.') },
      errors: ['job_not_found', 'job_state_conflict'],
    }),
  },
};
