import type { BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MediaObject } from '#contracts';
import type { MediaIntake } from '#media-intake';
import { type JobRepository, LONGEST_STATEMENT_MS } from '#persistence';
import type { Logger } from '#telemetry';
import { backoffMs } from '#timing';

const FIRST_PAUSE_MS = 10_000;
const MOST_PAUSE_MS = 60_000;
/** What is not settled in that many looks, or is more than that, is left to the sweep of media without a job. */
const MOST_LOOKS = 60;
const MOST_UNSETTLED = 1_000;

/**
 * How long to wait before that look, from 1. The server goes on with a statement whose client has lost it, such as one that
 * waits for a lock, and may still commit it: that there is no job means something only once it has ended.
 */
export function pauseBeforeLook(look: number): number {
  return (look === 1 ? LONGEST_STATEMENT_MS : 0) + backoffMs(look, FIRST_PAUSE_MS, MOST_PAUSE_MS);
}

/**
 * Media of submissions of which nobody can say yet whether they became jobs, since the database went away in the middle of
 * the commit. Those of a job stay, whatever its client was told; the others go once the database can tell.
 */
export class UnsettledMedia implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private unsettled = 0;

  constructor(
    private readonly jobs: Pick<JobRepository, 'find'>,
    private readonly intake: Pick<MediaIntake, 'discard'>,
    private readonly logger: Logger,
    private readonly pauseMs = pauseBeforeLook,
  ) {}

  add(jobId: string, media: MediaObject): void {
    if (this.unsettled >= MOST_UNSETTLED) return;
    this.unsettled += 1;
    void this.settle(jobId, media).finally(() => (this.unsettled -= 1));
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  private async settle(jobId: string, media: MediaObject): Promise<void> {
    const { signal } = this.stopping;
    for (let look = 1; look <= MOST_LOOKS; look += 1) {
      await sleep(this.pauseMs(look), undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        if (!(await this.jobs.find(jobId))) await this.intake.discard(media);
        return;
      } catch (error) {
        this.logger.debug({ err: error, jobId }, 'could not settle what became of a submission; trying again');
      }
    }
  }
}
