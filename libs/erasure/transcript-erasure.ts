import type { EventBus } from '#events';
import type { ObjectStore } from '#objects';
import type { Erasure, ErasureRepository } from '#persistence';
import type { JobQueue } from '#queue';
import type { StatusCache } from '#status-cache';
import { resultFilesPrefix } from '#result-files';
import type { Logger, Metrics } from '#telemetry';
import type { TranscriptCache } from '#transcript-cache';

export interface TranscriptErasureParts {
  readonly rows: Pick<ErasureRepository, 'removeRows' | 'passed' | 'takeDue'>;
  readonly objects: Pick<ObjectStore, 'delete' | 'list'>;
  readonly queue: Pick<JobQueue, 'remove'>;
  readonly events: Pick<EventBus, 'forget'>;
  readonly statuses: Pick<StatusCache, 'forget'>;
  readonly copies: Pick<TranscriptCache, 'forget'>;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Longer than a worker that lost its lease can go on for, and than a reader takes to put what it read into a cache. */
export const QUIET_MS = 60_000;
/** When an erasure that was not finished is taken up again. */
export const RETRY_MS = 15_000;

/**
 * Erases transcripts with all that belongs to them: rows, media, files, events, queue entry and cached copies. Each step may be
 * repeated, and each is tried although another failed; what is not done is done by the next pass.
 */
export class TranscriptErasure {
  private readonly erased;

  constructor(private readonly parts: TranscriptErasureParts) {
    this.erased = parts.metrics.counter('polyscribe_transcripts_erased_total', 'Transcripts erased on request.');
  }

  /**
   * One pass over everything. The rows go first: from then on nobody is shown anything of the transcript.
   *
   * @returns whether nothing is left
   * @throws PolyscribeError `dependency_unavailable` when not even the rows could be removed
   */
  async pass(erasure: Erasure): Promise<boolean> {
    const { rows, logger } = this.parts;
    const { transcriptId, jobId } = erasure;
    if (await rows.removeRows(transcriptId)) {
      this.erased.inc();
      logger.info({ transcriptId, jobId }, 'erased a transcript');
    }
    const outcomes = await Promise.allSettled(this.remnants(erasure));
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    for (const { reason } of failed)
      logger.warn({ err: reason as unknown, transcriptId, jobId }, 'not all is erased yet');
    if (failed.length > 0) return false;
    await rows.passed(transcriptId, QUIET_MS);
    return true;
  }

  /** Goes on with what crashes and outages left, and looks once more for what came late. Gives the number of passes. */
  async finishDue(limit: number): Promise<number> {
    const due = await this.parts.rows.takeDue(limit, RETRY_MS);
    for (const erasure of due) await this.pass(erasure);
    return due.length;
  }

  private remnants(erasure: Erasure): Promise<void>[] {
    const { queue, events, statuses, copies } = this.parts;
    const { jobId } = erasure;
    const forgetting = [queue.remove(jobId), events.forget(jobId), statuses.forget(jobId), copies.forget(jobId)];
    return [this.removeMedia(erasure), this.removeAll(resultFilesPrefix(erasure.transcriptId)), ...forgetting];
  }

  private async removeMedia({ jobId, mediaKey }: Erasure): Promise<void> {
    if (mediaKey !== undefined) await this.parts.objects.delete(mediaKey);
    await this.removeAll(`media/${jobId}/`);
  }

  private async removeAll(prefix: string): Promise<void> {
    const { objects } = this.parts;
    for await (const { key } of objects.list(prefix)) await objects.delete(key);
  }
}
