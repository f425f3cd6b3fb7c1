import { z } from 'zod';
import { type Job, type JobEventBody, jobStatuses } from '#contracts';
import { resultBody } from '#formats';
import { frameOf } from '../http/event-writer.js';
import type { WatchedEvent } from '../jobs/job-news.js';
import { pageSchema, parseQuery } from '../jobs/job-queries.service.js';
import { sendDownload } from './download.js';
import type { LegacyRoute } from './legacy-route.js';
import { languageOrAuto, renamed, translated } from './submission-fields.js';

const libraryQuery = z.looseObject({
  search: z.string().max(200, { error: 'must have at most 200 characters' }).optional(),
  status: z.enum(jobStatuses, { error: `must be one of ${jobStatuses.join(', ')}` }).optional(),
});

const fields = translated({ language: languageOrAuto, diarization: renamed('enable_diarization') });

/** The paths without a prefix: a job whose text is read as it comes, and a library of transcripts. */
export const libraryRoutes: readonly LegacyRoute[] = [
  {
    methods: ['POST'],
    path: '/transcribe',
    summary: 'Submit a file',
    submits: true,
    async handle({ request, reply, use }) {
      const job = await use.submissions.take(request, reply, { translate: fields });
      reply.code(202);
      return { job_id: job.id, status: 'queued', quality_profile: job.options.profile };
    },
  },
  {
    methods: ['GET'],
    path: '/transcribe/:id',
    summary: 'The text while it is made, as server-sent events',
    async handle({ id, request, reply, use }) {
      const { profile } = (await use.jobs.get(id)).options;
      const last = request.headers['last-event-id'];
      await use.streams.send(id, typeof last === 'string' ? last : undefined, reply, (event) => frame(event, profile));
      return undefined;
    },
  },
  {
    methods: ['GET'],
    path: '/transcripts',
    summary: 'The library, newest first',
    reads: true,
    async handle({ request, use }) {
      const { search, status, ...rest } = parseQuery(libraryQuery, request.query);
      const { jobs, nextCursor } = await use.jobs.list({ ...parseQuery(pageSchema, rest), status }, search);
      return { transcripts: jobs.map(cardOf), ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }) };
    },
  },
  {
    methods: ['GET'],
    path: '/transcripts/:id',
    summary: 'A transcript with its segments and a link to its recording',
    reads: true,
    async handle({ id, use }) {
      const job = await use.transcripts.jobOf(id);
      if (job.status !== 'completed') return { ...cardOf(job), segments: [] };
      const { segments, language, duration, audio_url } = resultBody(await use.transcripts.document(job.id));
      return { ...cardOf(job), language, duration, audio_url, segments };
    },
  },
  {
    methods: ['GET'],
    path: '/transcripts/:id/download',
    summary: 'The transcript as a file',
    reads: true,
    handle: (call) => sendDownload(call, call.id),
  },
];

function cardOf(job: Job) {
  const { title, tags, metadata, profile } = job.options;
  return {
    id: job.transcriptId,
    job_id: job.id,
    title: title ?? job.filename,
    tags,
    status: job.status,
    quality_profile: profile,
    created_at: job.createdAt.toISOString(),
    metadata: metadata ?? {},
  };
}

/** The predecessor's clients know text and its two ends; `void` and `partial` they do not read. */
function frame({ position, body }: WatchedEvent, profile: string): string {
  const data = dataOf(body, profile);
  return frameOf(position, body.type === 'cancelled' ? 'error' : body.type, data);
}

function dataOf(body: JobEventBody, profile: string): object {
  if (body.type === 'completed') {
    const { job_id, transcript_id: transcript_key, language, duration } = body.data;
    return { job_id, transcript_key, language, duration, quality_profile: profile };
  }
  if (body.type === 'cancelled') return { ...body.data, detail: 'The job was cancelled.' };
  return body.data;
}
