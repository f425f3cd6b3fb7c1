import { z } from 'zod';
import type { Job } from '#contracts';
import { invalid } from '../submit/field-errors.js';
import { sendDownload } from './download.js';
import type { LegacyRoute } from './legacy-route.js';
import { workerWords } from './status-words.js';
import { languageOrAuto, translated } from './submission-fields.js';

const outputs = ['srt', 'vtt', 'txt'] as const;
const outputSchema = z.object({ output: z.enum(outputs) });

const fields = translated({
  language: languageOrAuto,
  // Says again what the presence of a file or of a URL says.
  source_type: (value) => {
    if (value === 'url' || value === 'upload') return undefined;
    throw invalid([{ pointer: '/source_type', detail: 'must be one of url, upload' }]);
  },
  output: (value) => {
    if (value === '') return undefined;
    const parsed = outputSchema.safeParse({ output: value });
    if (parsed.success) return { name: 'result_file', value: parsed.data.output };
    throw invalid([{ pointer: '/output', detail: `must be one of ${outputs.join(', ')}` }]);
  },
});

/** The paths under `/v1`. */
export const workerApiRoutes: readonly LegacyRoute[] = [
  {
    methods: ['POST'],
    path: '/v1/transcribe',
    summary: 'Submit a file or a URL',
    submits: true,
    async handle({ request, reply, use }) {
      const job = await use.submissions.take(request, reply, { translate: fields });
      reply.code(202);
      return { job_id: job.id, status: workerWords.queued, percent: 0, db_id: job.options.dbId ?? null };
    },
  },
  {
    methods: ['GET', 'POST'],
    path: '/v1/jobs/:id',
    summary: 'Status',
    reads: true,
    handle: async ({ id, use }) => statusOf(await use.jobs.get(id)),
  },
  {
    methods: ['DELETE'],
    path: '/v1/jobs/:id',
    summary: 'Cancel a job',
    handle: async ({ id, use }) => statusOf(await use.cancelJob.cancel(id)),
  },
  {
    methods: ['GET'],
    path: '/v1/jobs/:id/result',
    summary: 'The transcript as the file that the submission asked for',
    reads: true,
    async handle(call) {
      const job = await call.use.jobs.get(call.id);
      return sendDownload(call, job.transcriptId, job.options.resultFile ?? outputOf(job.options.metadata));
    },
  },
  {
    methods: ['GET'],
    path: '/v1/stats',
    summary: 'How many jobs are in each status',
    reads: true,
    async handle({ use }) {
      const { queued, processing, completed, failed, cancelled, workers } = await use.jobs.stats();
      return { queued, started: processing, failed: failed + cancelled, finished: completed, workers };
    },
  },
];

/** The wish of jobs that are older than the option for it. */
function outputOf(metadata: unknown): (typeof outputs)[number] {
  const wished = outputSchema.safeParse(metadata);
  return wished.success ? wished.data.output : 'srt';
}

function statusOf(job: Job) {
  const error = job.failure?.message ?? (job.status === 'cancelled' ? 'The job was cancelled.' : undefined);
  return {
    job_id: job.id,
    status: workerWords[job.status],
    percent: job.progress,
    db_id: job.options.dbId ?? null,
    ...(error === undefined ? {} : { error }),
  };
}
