import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EngineKind, Job, JobOptions, MediaObject, PolyscribeError, RemoteMedia } from '#contracts';
import { MediaIntake } from '#media-intake';
import { JobRepository } from '#persistence';
import type { Logger } from '#telemetry';
import type { ClientLimits } from '../client-limits.js';
import { JobHandOver } from '../jobs/job-hand-over.service.js';
import { CLIENT_LIMITS, LOGGER } from '../tokens.js';
import { invalid } from './field-errors.js';
import { partsInTime } from './parts-in-time.js';
import { sourceNames } from './remote-source.js';
import type { SubmissionPart } from './submission-part.js';
import { SubmitOptionsReader } from './submit-options.service.js';

/**
 * Accepts work: media into the object store, unless a worker is to fetch them, rows into the database, an entry into the
 * queue.
 */
@Injectable()
export class SubmitJob {
  constructor(
    private readonly options: SubmitOptionsReader,
    private readonly intake: MediaIntake,
    private readonly jobs: JobRepository,
    private readonly handOver: JobHandOver,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(CLIENT_LIMITS) private readonly limits: ClientLimits,
  ) {}

  /**
   * Takes a submission whose file may come before, between or after its options. A refused one leaves nothing behind.
   *
   * @param parts read one by one; a file is read to its end before the next part is asked for
   */
  async submit(
    parts: AsyncIterable<SubmissionPart>,
    pathEngine: EngineKind | undefined,
    signal: AbortSignal,
  ): Promise<Job> {
    const jobId = randomUUID();
    const fields = new Map<string, unknown>();
    let media: MediaObject | undefined;
    try {
      for await (const part of partsInTime(parts, this.limits.aroundFileMs)) {
        if (part.type === 'field') {
          addField(fields, part.name, part.value);
          continue;
        }
        refuseWrongFile(part.name, media !== undefined);
        if (this.options.remoteSource(fields)) throw twoSources();
        await this.options.judgeEarly(optionsIn(fields), pathEngine);
        media = await this.intake.store({ jobId, name: 'source' }, part, signal);
      }
      const remote = this.options.remoteSource(fields);
      if (media && remote) throw twoSources();
      const options = await this.options.read(optionsIn(fields), pathEngine);
      const source = media ?? remote;
      if (!source) throw invalid([{ pointer: '/file', detail: MISSING }]);
      return await this.accept(jobId, options, source);
    } catch (error) {
      if (media) await this.discard(jobId, media);
      throw error;
    }
  }

  private async accept(jobId: string, options: JobOptions, media: MediaObject | RemoteMedia): Promise<Job> {
    const job = await this.createRows(jobId, options, media);
    // The rows are the job: from here on it is accepted, whatever becomes of the news and the queue entry.
    await this.handOver.toWorkers(job);
    return job;
  }

  private async createRows(jobId: string, options: JobOptions, media: MediaObject | RemoteMedia): Promise<Job> {
    try {
      return await this.jobs.create({ id: jobId, transcriptId: randomUUID(), options, media });
    } catch (error) {
      // The commit may have happened though its answer was lost; such a job would have no media.
      await this.handOver.unlessAway(jobId, 'delete', this.jobs.delete(jobId));
      throw error;
    }
  }

  private async discard(jobId: string, media: MediaObject): Promise<void> {
    try {
      await this.intake.discard(media);
    } catch (error) {
      this.logger.error(
        { err: error, jobId, key: media.key },
        'the media of a refused submission could not be removed',
      );
    }
  }
}

const MISSING = 'is missing; send the recording as a file field, or url';

/** What describes the job and not where its recording lies. */
function optionsIn(fields: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const sources: readonly string[] = sourceNames;
  return Object.fromEntries([...fields].filter(([name]) => !sources.includes(name)));
}

function twoSources(): PolyscribeError {
  return invalid([{ pointer: '/url', detail: 'is given beside a file; a job has one recording' }]);
}

function addField(fields: Map<string, unknown>, name: string, value: unknown): void {
  if (name === 'file') throw invalid([{ pointer: '/file', detail: 'must be a file, with a file name' }]);
  const before = fields.get(name);
  if (!fields.has(name)) fields.set(name, value);
  else if (name === 'tags') fields.set(name, [before, value].flat());
  else throw invalid([{ pointer: `/${name.slice(0, 100)}`, detail: 'is given more than once' }]);
}

function refuseWrongFile(name: string, second: boolean): void {
  if (name !== 'file') {
    const detail = 'is not a field of this request; the recording goes into the field file';
    throw invalid([{ pointer: `/${name.slice(0, 100)}`, detail }]);
  }
  if (second) throw invalid([{ pointer: '/file', detail: 'is given more than once; send one file for each job' }]);
}
