import { type ErrorCode, engineChoices, jobStatuses } from '#contracts';
import { formatTable } from '#formats';
import { downloadQuery } from '../http/download-query.js';
import { json, operation, type OperationNotes, query, queryOf } from './api-operation.js';
import { contextPaths } from './context-paths.js';
import { webhookPaths } from './webhook-paths.js';
import { legacyPaths } from './legacy-paths.js';
import type { Operation, Parameter, Paths } from './openapi-types.js';
import { uploadPaths } from './upload-paths.js';

const jobId: Parameter = { name: 'job_id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } };

const ifNoneMatch: Parameter = {
  name: 'If-None-Match',
  in: 'header',
  schema: { type: 'string' },
  description: 'The `ETag` of what the client has: 304 when that is still all.',
};
const unchanged = { 304: { description: 'The client has it already.' } };

const idempotencyKey: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description: 'Sending the same submission again under its key within a day gives the same answer and no second job.',
};

const replayed = {
  description: '`true` where the answer is that of an earlier submission under the same key.',
  schema: { type: 'string', enum: ['true'] },
};

const submitErrors: readonly ErrorCode[] = [
  'invalid_request',
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
  'no_engine',
];

function submission(id: string, summary: string): { post: Operation } {
  const notes: OperationNotes = {
    id,
    tag: 'jobs',
    summary,
    description:
      'A recording comes as a file in a multipart form, is fetched from `url`, or was uploaded before as `upload_id`. The file is streamed, so it may be large; options may stand before or after it.',
    parameters: [idempotencyKey],
    ok: { 202: { ...json('Accepted', 'The job is queued.'), headers: { 'Idempotency-Replayed': replayed } } },
    errors: submitErrors,
  };
  return {
    post: {
      ...operation(notes),
      requestBody: {
        required: true,
        content: {
          'multipart/form-data': { schema: { $ref: '#/components/schemas/Submission' } },
          'application/json': { schema: { $ref: '#/components/schemas/Submission' } },
          'application/x-www-form-urlencoded': { schema: { $ref: '#/components/schemas/Submission' } },
        },
      },
    },
  };
}

const engines = (id: string): { get: Operation } => ({
  get: operation({
    id,
    tag: 'engines',
    summary: 'Engines, whether they are up, and what they can do',
    ok: { 200: json('Engines', 'Every kind of engine; those that are down say why.') },
  }),
});

const health = (id: string, summary: string): { get: Operation } => ({
  get: operation({
    id,
    tag: 'operations',
    summary,
    ok: { 200: json('Health', 'Up, or degraded.'), 503: json('Health', 'No work can be taken.') },
  }),
});

export const paths: Paths = {
  '/api/transcribe/jobs/transcribe': submission('submit', 'Transcribe a recording'),
  '/api/transcribe/jobs/transcribe/asr': submission('submitToAsr', 'Transcribe a recording with NVIDIA Riva'),
  '/api/transcribe/jobs/transcribe/whisperx': submission('submitToWhisperx', 'Transcribe a recording with WhisperX'),
  '/api/transcribe/jobs': {
    get: operation({
      id: 'listJobs',
      tag: 'jobs',
      summary: 'Jobs, newest first',
      parameters: [
        query('status', { enum: jobStatuses }, 'Only jobs in this status.'),
        query('engine', { enum: engineChoices }, 'Only jobs that asked for this engine.'),
        query('session_id', { type: 'string', format: 'uuid' }, 'Only jobs of this session.'),
        query('created_after', { type: 'string', format: 'date-time' }, 'Only jobs that are newer.'),
        query('created_before', { type: 'string', format: 'date-time' }, 'Only jobs that are older.'),
        query('limit', { type: 'integer', minimum: 1, maximum: 200, default: 50 }, 'Length of a page.'),
        query('cursor', { type: 'string' }, '`next_cursor` of the page before.'),
      ],
      ok: { 200: json('JobList', 'A page.') },
      errors: ['invalid_request'],
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
  '/api/transcribe/jobs/engines': engines('listEngines'),
  '/engines': engines('listEnginesForOperators'),
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
        { name: 'Last-Event-ID', in: 'header', schema: { type: 'string' } },
        query('last_event_id', { type: 'string' }, 'The same, for clients that cannot set headers.'),
      ],
      ok: {
        200: { description: 'The events.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        204: { description: 'The job has ended and everything was read.' },
      },
      errors: ['invalid_request', 'job_not_found'],
    }),
  },
  '/api/transcribe/jobs/result/{job_id}': {
    get: operation({
      id: 'jobResult',
      tag: 'jobs',
      summary: 'The transcript of a completed job',
      parameters: [jobId, ifNoneMatch],
      ok: { 200: json('Result', 'The transcript; `ETag` is set.'), ...unchanged },
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
  '/api/transcripts/{id}/download': {
    get: operation({
      id: 'downloadTranscript',
      tag: 'transcripts',
      summary: 'A transcript as a file',
      parameters: [
        { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
        ...queryOf(downloadQuery),
        ifNoneMatch,
      ],
      ok: {
        200: {
          description: 'The file.',
          content: Object.fromEntries(
            Object.values(formatTable).map(({ mediaType }) => [
              mediaType.replace(/;.*$/, ''),
              { schema: { type: 'string' } },
            ]),
          ),
        },
        ...unchanged,
      },
      errors: ['invalid_request', 'transcript_not_found', 'job_not_completed'],
    }),
  },
  '/api/transcripts/{id}': {
    delete: operation({
      id: 'eraseTranscript',
      tag: 'transcripts',
      summary: 'Erase a transcript, its job, its recording and everything else that is kept of them',
      description:
        'A job that has not ended is cancelled first. Once asked for, an erasure is finished whatever happens; afterwards every route answers 404.',
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
      ok: {
        204: { description: 'Nothing is left.' },
        202: { description: 'The text is gone; what lies in a part that is away at the moment is removed later.' },
      },
      errors: ['transcript_not_found'],
    }),
  },
  ...contextPaths,
  ...legacyPaths,
  ...uploadPaths,
  ...webhookPaths,
  '/api/media/{key}': {
    get: operation({
      id: 'readMedia',
      tag: 'transcripts',
      summary: 'A recording, by the link that the result holds',
      parameters: [
        { name: 'key', in: 'path', required: true, schema: { type: 'string' } },
        query('expires', { type: 'string' }, 'From the link.'),
        query('filename', { type: 'string' }, 'From the link.'),
        query('signature', { type: 'string' }, 'From the link.'),
        { name: 'Range', in: 'header', schema: { type: 'string' } },
        { name: 'If-Range', in: 'header', schema: { type: 'string' } },
        ifNoneMatch,
      ],
      ok: {
        ...unchanged,
        200: { description: 'All of it.' },
        206: { description: 'The range that was asked for.' },
        416: { description: 'The range lies outside of the recording.' },
      },
      errors: ['forbidden', 'not_found'],
    }),
  },
  '/health/live': {
    get: operation({
      id: 'live',
      tag: 'operations',
      summary: 'Whether the process runs',
      ok: { 200: { description: 'It does.' } },
    }),
  },
  '/health/ready': health('ready', 'Whether work can be taken'),
  '/health': health('health', 'How each component is'),
  '/metrics': {
    get: operation({
      id: 'metrics',
      tag: 'operations',
      summary: 'Metrics for Prometheus',
      ok: { 200: { description: 'Text.', content: { 'text/plain': { schema: { type: 'string' } } } } },
    }),
  },
};
