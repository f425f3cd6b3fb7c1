import { randomUUID } from 'node:crypto';
import { type Job, type MediaObject, PolyscribeError } from '#contracts';
import type { EventBus } from '#events';
import type { Announcer, JobStatuses } from '#job-status';
import {
  CommitUnknownError,
  Database,
  IdempotencyRepository,
  JobRepository,
  LONGEST_STATEMENT_MS,
  type NewJob,
} from '#persistence';
import type { JobQueue } from '#queue';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { JobHandOver } from '../jobs/job-hand-over.service.js';
import { SubmissionRows } from './submission-rows.service.js';
import { pauseBeforeLook, UnsettledMedia } from './unsettled-media.service.js';

const away = new PolyscribeError('dependency_unavailable', 'The database does not answer.');
/** Never asked: the submissions have no key. */
const keys = new IdempotencyRepository(new Database('postgres://nobody@127.0.0.1:9/none'));
const newJob = { id: randomUUID() } as NewJob;
const job = { id: newJob.id } as Job;

/** Jobs whose commit gets no answer. */
class LosingJobs extends JobRepository {
  constructor(private readonly found: () => Promise<Job | undefined>) {
    super(new Database('postgres://nobody@127.0.0.1:9/none'));
  }

  override create(): Promise<Job> {
    return Promise.reject(new CommitUnknownError(away));
  }

  override find(): Promise<Job | undefined> {
    return this.found();
  }
}

/** Notes the jobs that go to the workers. */
class NotedHandOver extends JobHandOver {
  readonly jobs: Job[] = [];

  constructor() {
    super({} as JobStatuses, {} as JobQueue, {} as EventBus, {} as Announcer, createLogger('test', 'silent'));
  }

  override news(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override begin(accepted: Job): void {
    this.jobs.push(accepted);
  }
}

describe('a submission whose commit got no answer', () => {
  it('is accepted where the rows are there', async () => {
    const handOver = new NotedHandOver();
    const rows = new SubmissionRows(new LosingJobs(() => Promise.resolve(job)), keys, handOver);
    await expect(rows.create(newJob, undefined)).resolves.toEqual({ job, replayed: false });
    expect(handOver.jobs).toEqual([job]);
  });

  it.each([
    ['nobody can tell', () => Promise.reject(away)],
    ['the rows are not there yet', () => Promise.resolve(undefined)],
  ])('is refused as one that may have become a job where %s', async (_why, find) => {
    const rows = new SubmissionRows(new LosingJobs(find), keys, new NotedHandOver());
    await expect(rows.create(newJob, undefined)).rejects.toBeInstanceOf(CommitUnknownError);
  });

  it.each([
    ['keeps its media where it became a job', job, []],
    ['loses its media where it did not', undefined, ['media/a']],
  ])('%s, once the database can tell', async (_what, found, discarded) => {
    const looks: string[] = [];
    const removed: string[] = [];
    const find = (id: string) => {
      looks.push(id);
      return looks.length < 3 ? Promise.reject(away) : Promise.resolve(found);
    };
    const discard = ({ key }: MediaObject) => Promise.resolve(void removed.push(key));
    const unsettled = new UnsettledMedia({ find }, { discard }, createLogger('test', 'silent'), () => 1);
    unsettled.add(newJob.id, { key: 'media/a' } as MediaObject);
    await eventually('the last look', () => looks.length === 3 && removed.length === discarded.length);
    expect(looks).toEqual([newJob.id, newJob.id, newJob.id]);
    expect(removed).toEqual(discarded);
    unsettled.beforeApplicationShutdown();
  });

  it('keeps its media for as long as the server may still write its rows', () => {
    expect(pauseBeforeLook(1)).toBeGreaterThan(LONGEST_STATEMENT_MS);
  });
});
