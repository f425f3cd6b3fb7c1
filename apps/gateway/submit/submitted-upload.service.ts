import { Inject, Injectable } from '@nestjs/common';
import { type MediaObject, PolyscribeError } from '#contracts';
import { MediaIntake, type MediaPlace } from '#media-intake';
import { UploadRepository, uploadUsed } from '#persistence';
import { UploadContent } from '#uploads';
import { JobHandOver } from '../jobs/job-hand-over.service.js';
import { uploadNotFound } from '../uploads/tus-data-store.js';
import { invalid } from './field-errors.js';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Makes the recording of a job of an upload that came in pieces. */
@Injectable()
export class SubmittedUpload {
  constructor(
    @Inject(UploadRepository) private readonly uploads: Pick<UploadRepository, 'find'>,
    @Inject(UploadContent) private readonly content: Pick<UploadContent, 'read' | 'clear'>,
    @Inject(MediaIntake) private readonly intake: Pick<MediaIntake, 'store'>,
    @Inject(JobHandOver) private readonly handOver: Pick<JobHandOver, 'unlessAway'>,
  ) {}

  /** The upload that a submission names, if it names one. @throws PolyscribeError `invalid_request` */
  named(fields: ReadonlyMap<string, unknown>): string | undefined {
    const id = fields.get('upload_id');
    if (id === undefined || id === '') return undefined;
    if (typeof id === 'string' && uuid.test(id)) return id;
    throw invalid([{ pointer: '/upload_id', detail: 'must be the UUID at the end of the address of an upload' }]);
  }

  /**
   * Takes the upload in as any other file is taken in. The upload stays as it is.
   *
   * @throws PolyscribeError `upload_not_found`, `upload_conflict` for one that is not finished or was used, and what
   *   `MediaIntake.store` throws
   */
  async store(place: MediaPlace, id: string, signal: AbortSignal): Promise<MediaObject> {
    const upload = await this.uploads.find(id);
    if (!upload) throw uploadNotFound();
    if (upload.used) throw uploadUsed();
    if (upload.received < upload.bytes) {
      const detail = `The upload has ${upload.received} of ${upload.bytes} bytes; finish it before it is submitted.`;
      throw new PolyscribeError('upload_conflict', detail);
    }
    const { filename, name } = upload.metadata;
    try {
      const content = await this.content.read(id);
      return await this.intake.store(place, { filename: filename ?? name ?? undefined, content }, signal);
    } catch (error) {
      // Another submission may have taken the upload meanwhile and removed the pieces that were being read.
      if ((await this.uploads.find(id))?.used === true) throw uploadUsed();
      throw error;
    }
  }

  /** Removes the pieces of an upload of which a job was made; a failure is made good by the next sweep. */
  async clear(jobId: string, id: string): Promise<void> {
    await this.handOver.unlessAway(jobId, 'clear upload', this.content.clear(id));
  }
}
