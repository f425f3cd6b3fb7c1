import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { type Job, jobEngines, type JobStatus, jobStatuses, PolyscribeError } from '#contracts';
import { JobStatuses, type JobView } from '#job-status';
import { type JobPage, JobRepository, WorkerRepository } from '#persistence';
import { invalid } from '../submit/field-errors.js';
import { isUuid, unknownJob } from './job-id.js';

/** Reads where jobs stand. */
@Injectable()
export class JobQueries {
  constructor(
    private readonly jobs: JobRepository,
    private readonly statuses: JobStatuses,
    private readonly workers: WorkerRepository,
  ) {}

  /** @throws PolyscribeError `job_not_found` */
  async get(jobId: string): Promise<Job> {
    const job = isUuid(jobId) ? await this.jobs.find(jobId) : undefined;
    if (!job) throw unknownJob(jobId);
    return job;
  }

  /** What the status route shows; may be some seconds behind `get`. @throws PolyscribeError `job_not_found` */
  async status(jobId: string): Promise<JobView> {
    const status = isUuid(jobId) ? await this.statuses.find(jobId) : undefined;
    if (!status) throw unknownJob(jobId);
    return status;
  }

  /** @param search only jobs with that in title, file name or tags */
  list(filter: JobFilter, search?: string): Promise<JobPage> {
    const { session_id: sessionId, created_after: after, created_before: before, limit, ...same } = filter;
    return this.jobs.list({
      limit: limit ?? DEFAULT_PAGE,
      ...Object.fromEntries(Object.entries(same).filter(([, value]) => value !== undefined)),
      ...(search === undefined || search === '' ? {} : { search }),
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(after === undefined ? {} : { createdAfter: new Date(after) }),
      ...(before === undefined ? {} : { createdBefore: new Date(before) }),
    });
  }

  /** Jobs by status, and how many workers run. */
  async stats(): Promise<Record<JobStatus | 'workers', number>> {
    const [stats, workers] = await Promise.all([this.jobs.stats(), this.workers.count()]);
    return { ...stats, workers };
  }
}

const DEFAULT_PAGE = 50;
const MAX_PAGE = 200;

const instant = z.iso.datetime({ offset: true, error: 'must be an ISO 8601 instant such as 2026-01-31T12:00:00Z' });
const limitError = `must be a whole number from 1 to ${MAX_PAGE}`;

export const pageFields = {
  limit: z.coerce
    .number({ error: limitError })
    .int({ error: limitError })
    .min(1, { error: limitError })
    .max(MAX_PAGE, { error: limitError })
    .optional()
    .describe(`Length of a page; ${DEFAULT_PAGE} unless given.`),
  cursor: z.string().max(500).optional().describe('`next_cursor` of the page before.'),
};

/** The query of a list that cannot be narrowed down. */
export const pageSchema = z.strictObject(pageFields).transform(pageOf);

/** Which page a query asks for, with defaults filled in. */
export function pageOf({ limit, cursor }: { limit?: number | undefined; cursor?: string | undefined }): {
  limit: number;
  cursor?: string;
} {
  return { limit: limit ?? DEFAULT_PAGE, ...(cursor === undefined ? {} : { cursor }) };
}

/** The query of the list route. */
export const jobFilterSchema = z.strictObject({
  status: z
    .enum(jobStatuses, { error: `must be one of ${jobStatuses.join(', ')}` })
    .optional()
    .describe('Only jobs in this status.'),
  engine: z
    .enum(jobEngines, { error: `must be one of ${jobEngines.join(', ')}` })
    .optional()
    .describe('Only jobs that asked for this engine.'),
  session_id: z.guid({ error: 'must be a UUID' }).optional().describe('Only jobs of this session.'),
  created_after: instant.optional().describe('Only jobs that are newer.'),
  created_before: instant.optional().describe('Only jobs that are older.'),
  ...pageFields,
});
export type JobFilter = z.output<typeof jobFilterSchema>;

/** @throws PolyscribeError `invalid_request` that names the faulty parameters */
export function parseQuery<T extends z.ZodType>(schema: T, query: unknown): z.output<T> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ pointer: `/${key.slice(0, 100)}`, detail: 'is not a parameter of this route' }))
        : [{ pointer: `/${issue.path.join('/')}`, detail: issue.message }],
    ),
  );
}

/** @throws PolyscribeError `job_not_completed` with the job's status unless it is completed */
export function requireCompleted(job: Job): void {
  if (job.status === 'completed') return;
  const advice: Readonly<Record<JobStatus, string>> = {
    queued: 'wait for it',
    processing: 'wait for it',
    failed: 'its status says why; it can be retried',
    cancelled: 'it can be retried',
    completed: '',
  };
  throw new PolyscribeError('job_not_completed', `The job is ${job.status}: ${advice[job.status]}.`, {
    facts: { job_status: job.status },
  });
}
