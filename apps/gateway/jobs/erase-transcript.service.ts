import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { hasEnded, PolyscribeError } from '#contracts';
import { RETRY_MS, TranscriptErasure } from '#erasure';
import { ErasureRepository, JobRepository } from '#persistence';
import { inAnswerTime } from '../answer-time.js';
import { CancelJob } from './cancel-job.service.js';
import { isUuid, unknownTranscript } from './job-id.js';

/** How long a running job's worker gets to stop; it learns of the wish within a second. */
const STOP_MS = 3_000;
const LOOK_EVERY_MS = 100;

/** Erases transcripts at their owner's wish. */
@Injectable()
export class EraseTranscript {
  constructor(
    private readonly rows: ErasureRepository,
    private readonly jobs: JobRepository,
    private readonly cancelJob: CancelJob,
    private readonly erasure: TranscriptErasure,
  ) {}

  /**
   * Cancels the job if it has not ended, and erases everything. What was begun here is finished by a worker, whatever
   * happens to this process.
   *
   * @returns whether nothing is left; the text is gone in either case
   * @throws PolyscribeError `transcript_not_found`, `dependency_unavailable`
   */
  async erase(transcriptId: string): Promise<boolean> {
    const begun = isUuid(transcriptId) ? this.rows.begin(transcriptId, RETRY_MS) : Promise.resolve(undefined);
    const erasure = await inAnswerTime(begun);
    if (!erasure) throw unknownTranscript(transcriptId);
    await this.stopJob(erasure.jobId);
    return this.erasure.pass(erasure);
  }

  /** So that whoever follows the job is told of an end. One that does not stop in time loses its rows all the same. */
  private async stopJob(jobId: string): Promise<void> {
    try {
      await this.cancelJob.cancel(jobId);
    } catch (error) {
      const code = PolyscribeError.from(error).code;
      if (code === 'job_state_conflict' || code === 'job_not_found') return;
      throw error;
    }
    const deadline = performance.now() + STOP_MS;
    while (performance.now() < deadline) {
      const job = await this.jobs.find(jobId);
      if (!job || hasEnded(job.status)) return;
      await delay(LOOK_EVERY_MS);
    }
  }
}
