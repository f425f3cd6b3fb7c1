import type { EntityManager } from 'typeorm';
import { type Job, type JobEngine, type JobStatus, PolyscribeError } from '#contracts';
import { TranscriptJobEntity } from '../entities/index.js';
import { storableText } from '../storable.js';
import { toJob } from './job.mapper.js';

export interface JobFilter {
  readonly status?: JobStatus;
  /** What the client asked for, which is not always what served. */
  readonly engine?: JobEngine;
  readonly sessionId?: string;
  /** In title, file name or tags, whatever the case of letters. */
  readonly search?: string;
  /** Inclusive. */
  readonly createdAfter?: Date;
  /** Exclusive. */
  readonly createdBefore?: Date;
  /** How many at most, from 1. */
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  /** undefined on the last page. */
  readonly nextCursor?: string;
}

/** Where a page ended: the last job's creation time and row number, which together order all jobs. */
interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

export async function listJobs(manager: EntityManager, filter: JobFilter): Promise<JobPage> {
  const query = manager.createQueryBuilder(TranscriptJobEntity, 'job');
  if (filter.status !== undefined) query.andWhere('job.status = :status', { status: filter.status });
  if (filter.engine !== undefined) query.andWhere('job.engine = :engine', { engine: filter.engine });
  if (filter.sessionId !== undefined) query.andWhere('job.sessionId = :session', { session: filter.sessionId });
  if (filter.search !== undefined) query.andWhere(mentions, { pattern: `%${literally(filter.search)}%` });
  if (filter.createdAfter) query.andWhere('job.createdAt >= :after', { after: filter.createdAfter });
  if (filter.createdBefore) query.andWhere('job.createdAt < :before', { before: filter.createdBefore });
  if (filter.cursor !== undefined) {
    query.andWhere('(job.createdAt, job.id) < (:createdAt, :id)', { ...decode(filter.cursor) });
  }
  // One more than asked for tells whether there is a next page.
  const rows = await query
    .orderBy('job.createdAt', 'DESC')
    .addOrderBy('job.id', 'DESC')
    .limit(filter.limit + 1)
    .getMany();
  const page = rows.slice(0, filter.limit);
  const last = page.at(-1);
  return { jobs: page.map(toJob), ...(last && rows.length > page.length ? { nextCursor: encode(last) } : {}) };
}

const mentions = `(job.media_filename ILIKE :pattern OR job.engine_params->>'title' ILIKE :pattern
  OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(job.engine_params->'tags') AS tag WHERE tag ILIKE :pattern))`;

/** As a part of a LIKE pattern that stands for itself. */
function literally(text: string): string {
  return storableText(text).replaceAll(/[\\%_]/g, '\\$&');
}

function encode({ createdAt, id }: Position): string {
  return Buffer.from(`${String(createdAt.getTime())}.${id}`).toString('base64url');
}

function decode(cursor: string): Position {
  const [, time, id] = /^(\d{1,15})\.(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  if (time === undefined || id === undefined) {
    throw new PolyscribeError('invalid_request', 'The cursor is not one that a list gave.', {
      fields: [{ pointer: '/cursor', detail: 'must be next_cursor of the page before' }],
    });
  }
  return { createdAt: new Date(Number(time)), id };
}
