import { type Job, type JobEventBody, PolyscribeError } from '#contracts';
import type { EventBus } from '#events';
import type { ReconcileRepository, TranscriptRepository, UnannouncedJob } from '#persistence';
import type { JobStatuses } from './job-statuses.js';

/**
 * Tells subscribers how a job ended, once the end stands in the database. Safe to repeat: the key lets one announcement
 * of each run through, so that a crash between the two is mended by announcing again.
 */
export class Announcer {
  constructor(
    private readonly transcripts: Pick<TranscriptRepository, 'summary'>,
    private readonly ends: Pick<ReconcileRepository, 'unannounced' | 'unannouncedEnd' | 'markAnnounced'>,
    private readonly statuses: Pick<JobStatuses, 'put'>,
    private readonly events: Pick<EventBus, 'publish'>,
  ) {}

  /** Announces the end of the job's last run; does nothing when it has not ended or everybody knows. */
  async announce(jobId: string): Promise<void> {
    const end = await this.ends.unannouncedEnd(jobId);
    if (end) await this.tell(end);
  }

  /**
   * Announces every end that a crash left unannounced, up to `limit`, and gives their number. One that cannot be told does
   * not keep those behind it from being told; an outage, which would meet them all, ends the round.
   *
   * @throws what the first failure threw, once the others are told
   */
  async announceAll(limit: number): Promise<number> {
    const ends = await this.ends.unannounced(limit);
    const failures: unknown[] = [];
    for (const end of ends) {
      try {
        await this.tell(end);
      } catch (error) {
        if (error instanceof PolyscribeError && error.code === 'dependency_unavailable') throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return ends.length;
  }

  private async tell({ job, attempt }: UnannouncedJob): Promise<void> {
    // Whoever asks once the event is out is to find the end.
    await this.statuses.put(job);
    await this.events.publish(job.id, [statusEvent(job), await this.endEvent(job)], { key: `end:${attempt}` });
    await this.ends.markAnnounced(job.id, attempt);
  }

  private async endEvent(job: Job): Promise<JobEventBody> {
    if (job.status === 'cancelled') return { type: 'cancelled', data: { job_id: job.id } };
    if (job.status === 'failed') {
      const code = job.failure?.code ?? 'internal';
      return { type: 'error', data: { job_id: job.id, code, detail: job.failure?.message ?? 'The job failed.' } };
    }
    const transcript = await this.transcripts.summary(job.id);
    if (!transcript) throw new PolyscribeError('internal', 'A completed job has no transcript.');
    return {
      type: 'completed',
      data: {
        job_id: job.id,
        transcript_id: job.transcriptId,
        language: transcript.language,
        duration: transcript.durationMs / 1000,
        engine_used: transcript.engineUsed,
      },
    };
  }
}

function statusEvent({ id, status, progress, stage, message }: Job): JobEventBody {
  return { type: 'status', data: { job_id: id, status, progress: Math.floor(progress), stage, message } };
}
