import { Injectable } from '@nestjs/common';
import { type EngineKind, type Job, PolyscribeError, type Transcript } from '#contracts';
import { fileNameOf, formatTable, type TranscriptDocument, type TranscriptFormat } from '#formats';
import { ObjectStore } from '#objects';
import { JobRepository, TranscriptRepository } from '#persistence';
import { resultFileLink } from '#result-files';
import { TranscriptCache } from '#transcript-cache';
import { isUuid, unknownTranscript } from './job-id.js';
import { JobQueries, requireCompleted } from './job-queries.service.js';

const LINK_LIFETIME_MS = 3_600_000;

/** What one engine of several wrote, as a transcript of its own. @throws PolyscribeError `transcript_not_found` */
function laneOf(transcript: Transcript, engine: EngineKind): Transcript {
  const lane = transcript.lanes?.find((candidate) => candidate.engine === engine);
  if (!lane || lane.error) {
    const wrote = (transcript.lanes ?? []).filter(({ error }) => error === undefined);
    const there = wrote.length === 0 ? '' : ` There is one of ${wrote.map((other) => other.engine).join(' and ')}.`;
    throw new PolyscribeError('transcript_not_found', `There is no transcript of ${engine} alone.${there}`);
  }
  const { id, jobId, durationMs } = transcript;
  const { model, language, segments, warnings } = lane;
  return { id, jobId, durationMs, engineUsed: engine, model, language, segments, warnings };
}

/** Reads finished transcripts. */
@Injectable()
export class TranscriptQueries {
  constructor(
    private readonly queries: JobQueries,
    private readonly jobs: JobRepository,
    private readonly transcripts: TranscriptRepository,
    private readonly cache: TranscriptCache,
    private readonly objects: ObjectStore,
  ) {}

  /** @throws PolyscribeError `job_not_found`, `job_not_completed` */
  async byJob(jobId: string): Promise<{ job: Job; transcript: Transcript }> {
    const job = await this.queries.get(jobId);
    requireCompleted(job);
    const transcript = (await this.cache.get(job.id, job.revision)) ?? (await this.fromDatabase(job));
    return { job, transcript };
  }

  /** The transcript with links to its audio and to the file that the job left. */
  async document(jobId: string): Promise<TranscriptDocument> {
    return this.withLinks(await this.byJob(jobId));
  }

  /** @throws PolyscribeError `transcript_not_found` */
  async jobOf(transcriptId: string): Promise<Job> {
    const job = isUuid(transcriptId) ? await this.jobs.findByTranscript(transcriptId) : undefined;
    if (!job) throw unknownTranscript(transcriptId);
    return job;
  }

  /** @throws PolyscribeError `transcript_not_found`, `job_not_completed` */
  async render(
    transcriptId: string,
    format: TranscriptFormat,
    style: Pick<TranscriptDocument, 'speakerNames' | 'cueRules'> = {},
    engine?: EngineKind,
  ): Promise<{ text: string; mediaType: string; filename: string }> {
    const job = await this.jobOf(transcriptId);
    const whole = await this.byJob(job.id);
    const found = engine === undefined ? whole : { ...whole, transcript: laneOf(whole.transcript, engine) };
    const { mediaType, render } = formatTable[format];
    const document = format === 'json' ? await this.withLinks(found) : { ...found, ...style };
    return { text: render(document), mediaType, filename: fileNameOf(job, format) };
  }

  private async fromDatabase({ id, transcriptId, revision }: Job): Promise<Transcript> {
    const transcript = await this.transcripts.findByJob(id);
    if (!transcript) throw unknownTranscript(transcriptId);
    await this.cache.put({ revision, transcript });
    return transcript;
  }

  private async withLinks({ job, transcript }: { job: Job; transcript: Transcript }): Promise<TranscriptDocument> {
    const audioUrl = await this.audioUrl(job);
    const wantsFile = job.options.resultFile !== undefined;
    return {
      ...{ job, transcript },
      ...(audioUrl === undefined ? {} : { audioUrl }),
      ...(wantsFile ? { resultFileUrl: (await resultFileLink(this.objects, job)) ?? null } : {}),
    };
  }

  private async audioUrl({ media, mediaRemovedAt, filename }: Job): Promise<string | undefined> {
    if (!media || mediaRemovedAt || !(await this.objects.stat(media.key))) return undefined;
    return this.objects.presign(media.key, LINK_LIFETIME_MS, filename);
  }
}
