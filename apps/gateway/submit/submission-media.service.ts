import { Inject, Injectable } from '@nestjs/common';
import type { MediaObject } from '#contracts';
import { type IncomingFile, MediaIntake, type MediaPlace } from '#media-intake';
import { CommitUnknownError } from '#persistence';
import type { Logger } from '#telemetry';
import { LOGGER } from '../tokens.js';
import { UnsettledMedia } from './unsettled-media.service.js';

/** The recordings of submissions, until a job has them. */
@Injectable()
export class SubmissionMedia {
  constructor(
    private readonly intake: MediaIntake,
    private readonly unsettled: UnsettledMedia,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws what `MediaIntake.store` throws, with nothing left behind */
  store(place: MediaPlace, file: IncomingFile, signal: AbortSignal): Promise<MediaObject> {
    return this.intake.store(place, file, signal);
  }

  /** Deals with the recording of a submission that failed; one that may have become a job all the same is kept. */
  async refused(jobId: string, media: MediaObject, error: unknown): Promise<void> {
    if (error instanceof CommitUnknownError) this.unsettled.add(jobId, media);
    else await this.discard(jobId, media);
  }

  /** Removes a recording that no job has. Never throws: the sweep of media without a job mends a failure. */
  async discard(jobId: string, media: MediaObject): Promise<void> {
    try {
      await this.intake.discard(media);
    } catch (error) {
      const message = 'the media of a submission that made no job could not be removed';
      this.logger.error({ err: error, jobId, key: media.key }, message);
    }
  }
}
