import { z } from 'zod';
import { jobStatuses } from '#contracts';
import { pageFields } from '../jobs/job-queries.service.js';
import type { LegacyRoute } from '../legacy/legacy-route.js';
import { legacyRoutes } from '../legacy/legacy-routes.js';
import { pendingWords } from '../legacy/status-words.js';
import { header, idIn, json, operation, type OperationNotes, query, queryOf } from './api-operation.js';
import { eventStream, idempotencyKey, replayable, submitErrors } from './job-paths.js';
import type { Operation, Paths } from './openapi-types.js';
import { submissionBody } from './request-schemas.js';
import { fileAnswers, fileParameters } from './transcript-paths.js';

type Notes = Pick<OperationNotes, 'parameters' | 'body' | 'ok' | 'errors'>;

const page = queryOf(z.strictObject(pageFields));

/** What differs from route to route. */
const notes: Readonly<Record<string, Notes>> = {
  'POST /api/v1/upload/file': {
    body: submissionBody(),
    ok: { 202: json('TranscriptionAccepted', 'The job waits.', replayable) },
  },
  'POST /api/v1/upload/url': {
    body: submissionBody(),
    ok: { 202: json('TranscriptionAccepted', 'The job waits.', replayable) },
  },
  'GET /api/v1/transcription/:id': { ok: { 200: json('Transcription', 'The job.') } },
  'DELETE /api/v1/transcription/:id': {
    ok: { 200: json('TranscriptionAccepted', 'It is cancelled, or its worker has been asked to stop.') },
    errors: ['job_state_conflict'],
  },
  'GET /api/v1/transcription/:id/download': {
    parameters: fileParameters,
    ok: fileAnswers,
    errors: ['transcript_not_found', 'job_not_completed'],
  },
  'GET /api/v1/transcriptions': {
    parameters: [
      query('status', { type: 'string', enum: Object.values(pendingWords) }, 'Only jobs in this status.'),
      ...page,
    ],
    ok: { 200: json('TranscriptionList', 'A page.') },
  },
  'POST /transcribe': {
    body: submissionBody('LibrarySubmission'),
    ok: { 202: json('LibraryAccepted', 'The job is queued.', replayable) },
  },
  'GET /transcribe/:id': {
    parameters: [header('Last-Event-ID', { type: 'string' }, 'The last event that the client has read.')],
    ok: { 200: eventStream, 204: { description: 'The job has ended and everything was read.' } },
  },
  'GET /transcripts': {
    parameters: [
      query('search', { type: 'string', maxLength: 200 }, 'Only those with that in title, file name or tags.'),
      query('status', { type: 'string', enum: [...jobStatuses] }, 'Only jobs in this status.'),
      ...page,
    ],
    ok: { 200: json('LibraryList', 'A page.') },
  },
  'GET /transcripts/:id': {
    ok: { 200: json('LibraryTranscript', 'The transcript.') },
    errors: ['transcript_not_found'],
  },
  'GET /transcripts/:id/download': {
    parameters: fileParameters,
    ok: fileAnswers,
    errors: ['transcript_not_found', 'job_not_completed'],
  },
  'POST /v1/transcribe': {
    body: submissionBody('WorkerSubmission'),
    ok: { 202: json('WorkerJob', 'The job is queued.', replayable) },
  },
  'GET /v1/jobs/:id': { ok: { 200: json('WorkerJob', 'The job.') } },
  'POST /v1/jobs/:id': { ok: { 200: json('WorkerJob', 'The job.') } },
  'DELETE /v1/jobs/:id': {
    ok: { 200: json('WorkerJob', 'The job, as it is now.') },
    errors: ['job_state_conflict'],
  },
  'GET /v1/jobs/:id/result': {
    parameters: fileParameters,
    ok: fileAnswers,
    errors: ['transcript_not_found', 'job_not_completed'],
  },
  'GET /v1/stats': { ok: { 200: json('WorkerStats', 'Numbers.') } },
};

/** Paths of predecessors, made from the table that serves them. */
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

function operationOf({ path, summary, submits }: LegacyRoute, method: string): Operation {
  const own = notes[`${method} ${path}`];
  if (!own) throw new Error(`Say in legacy-paths.ts what ${method} ${path} answers.`);
  const name = path.replaceAll(/[/:]+(\w)/g, (_, letter: string) => letter.toUpperCase());
  const named = path.includes(':id');
  const errors = [
    ...(own.errors ?? []),
    ...(submits ? submitErrors : []),
    ...(named ? (['job_not_found'] as const) : []),
  ];
  return operation({
    ...own,
    id: `legacy${method.charAt(0)}${method.slice(1).toLowerCase()}${name}`,
    tag: 'predecessors',
    summary,
    parameters: [...(named ? [idIn('id')] : []), ...(submits ? [idempotencyKey] : []), ...(own.parameters ?? [])],
    errors,
  });
}
