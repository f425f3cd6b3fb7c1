import type { Job } from '#contracts';
import type { JobRepository, TranscriptRepository } from '#persistence';
import type { StatusCache } from '#status-cache';
import { type JobView, jobView } from './job-view.js';

/** How long a transcript's audio is and how many segments it has. */
type TranscriptCounts = NonNullable<Awaited<ReturnType<TranscriptRepository['counts']>>>;

/** Where jobs stand, for those who ask often: from the cache, or from the database where the cache knows nothing. */
export class JobStatuses {
  constructor(
    private readonly jobs: Pick<JobRepository, 'find'>,
    private readonly transcripts: Pick<TranscriptRepository, 'counts'>,
    private readonly cache: StatusCache<JobView>,
  ) {}

  /** Whether what is put is kept. */
  get keeps(): boolean {
    return this.cache.keeps;
  }

  /**
   * @param jobId a UUID
   * @returns undefined when there is no such job
   * @throws PolyscribeError `dependency_unavailable` when the cache knows nothing and the database is away
   */
  async find(jobId: string): Promise<JobView | undefined> {
    // As the database writes UUIDs, and so as the cache's keys are.
    const cached = await this.cache.get(jobId.toLowerCase());
    if (cached) return cached.body;
    const job = await this.jobs.find(jobId);
    return job && this.keep(job);
  }

  /**
   * Makes known what was read of the job's row. To be called before others are told of it, so that none of them finds an
   * older status.
   *
   * @param counts what a completed job became, where that is at hand
   */
  async put(job: Job, counts?: TranscriptCounts): Promise<void> {
    if (this.cache.keeps) await this.keep(job, counts);
  }

  /** The same after a change whose result is not at hand. Does nothing for a job that is gone. */
  async refresh(jobId: string): Promise<void> {
    if (!this.cache.keeps) return;
    const job = await this.jobs.find(jobId);
    if (job) await this.keep(job);
  }

  private async keep(job: Job, known?: TranscriptCounts): Promise<JobView> {
    const counts = job.status === 'completed' ? (known ?? (await this.transcripts.counts(job.id))) : undefined;
    const body = jobView(job, counts);
    await this.cache.put({ revision: job.revision, body });
    return body;
  }
}
