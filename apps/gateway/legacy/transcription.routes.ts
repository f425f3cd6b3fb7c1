import { z } from 'zod';
import type { Job } from '#contracts';
import { resultBody } from '#formats';
import { jobView } from '#job-status';
import { pageSchema, parseQuery } from '../jobs/job-queries.service.js';
import { sendDownload } from './download.js';
import type { LegacyRoute } from './legacy-route.js';
import { pendingWords, statusCalled } from './status-words.js';
import { languageOrAuto, translated } from './submission-fields.js';

const words = Object.values(pendingWords);
const listQuery = z.looseObject({
  status: z.enum(words as [string, ...string[]], { error: `must be one of ${words.join(', ')}` }).optional(),
});

const accept: LegacyRoute['handle'] = async ({ request, reply, use }) => {
  const job = await use.submissions.take(request, reply, { translate: translated({ language: languageOrAuto }) });
  reply.code(202);
  return { ...headOf(job), status: pendingWords.queued, message: 'The job is queued.' };
};

/** The paths under `/api/v1`. */
export const transcriptionRoutes: readonly LegacyRoute[] = [
  { methods: ['POST'], path: '/api/v1/upload/file', summary: 'Submit a file', submits: true, handle: accept },
  { methods: ['POST'], path: '/api/v1/upload/url', summary: 'Submit a URL', submits: true, handle: accept },
  {
    methods: ['GET'],
    path: '/api/v1/transcription/:id',
    summary: 'Status and, once it is completed, the result',
    reads: true,
    async handle({ id, use }) {
      const job = await use.jobs.get(id);
      return { ...statusOf(job), ...(job.status === 'completed' ? { result: await resultOf(job, use) } : {}) };
    },
  },
  {
    methods: ['DELETE'],
    path: '/api/v1/transcription/:id',
    summary: 'Cancel a job',
    async handle({ id, use }) {
      const job = await use.cancelJob.cancel(id);
      const message = job.status === 'cancelled' ? 'The job is cancelled.' : 'The worker has been asked to stop.';
      return { ...headOf(job), message };
    },
  },
  {
    methods: ['GET'],
    path: '/api/v1/transcription/:id/download',
    summary: 'The transcript as a file',
    reads: true,
    async handle(call) {
      const job = await call.use.jobs.get(call.id);
      return sendDownload(call, job.transcriptId);
    },
  },
  {
    methods: ['GET'],
    path: '/api/v1/transcriptions',
    summary: 'Jobs, newest first',
    reads: true,
    async handle({ request, use }) {
      const { status: word, ...rest } = parseQuery(listQuery, request.query);
      const page = parseQuery(pageSchema, rest);
      const status = word === undefined ? undefined : statusCalled(pendingWords, word);
      const { jobs, nextCursor } = await use.jobs.list({ ...page, status });
      return { transcriptions: jobs.map(statusOf), ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }) };
    },
  },
];

function headOf(job: Job) {
  return { job_id: job.id, transcript_id: job.transcriptId, status: pendingWords[job.status] };
}

function statusOf(job: Job) {
  const { progress, message, created_at, started_at, completed_at, error } = jobView(job);
  const times = { created_at, started_at, completed_at };
  return {
    ...headOf(job),
    filename: job.filename,
    progress,
    message,
    ...times,
    ...(error ? { error: error.message } : {}),
  };
}

async function resultOf(job: Job, use: Parameters<LegacyRoute['handle']>[0]['use']) {
  const { text, language, duration, segments, audio_url } = resultBody(await use.transcripts.document(job.id));
  return { text, language, duration, segments, audio_url };
}
