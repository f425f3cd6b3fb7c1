import { Readable } from 'node:stream';
import { type Job, PolyscribeError, type TranscriptFormat } from '#contracts';
import { fileNameOf, formatTable } from '#formats';
import type { ObjectStore } from '#objects';
import type { TranscriptRepository } from '#persistence';

const LINK_LIFETIME_MS = 3_600_000;

/** Where the files of transcripts lie: beside the media, whose time to live is not theirs. */
export const RESULTS_PREFIX = 'results/';

/** Begins the keys of all that was written of a transcript. */
export function resultFilesPrefix(transcriptId: string): string {
  return `${RESULTS_PREFIX}${transcriptId}/`;
}

function keyOf(transcriptId: string, format: TranscriptFormat): string {
  return `${resultFilesPrefix(transcriptId)}transcript.${format}`;
}

/** A link to the file of a job, good for an hour; undefined where none was asked for, and until it is written. */
export async function resultFileLink(
  objects: Pick<ObjectStore, 'stat' | 'presign'>,
  job: Job,
): Promise<string | undefined> {
  const format = job.options.resultFile;
  if (format === undefined) return undefined;
  const key = keyOf(job.transcriptId, format);
  return (await objects.stat(key)) ? objects.presign(key, LINK_LIFETIME_MS, fileNameOf(job, format)) : undefined;
}

/**
 * Puts transcripts as files into the object store, for the jobs that ask for it. A file lives as long as its transcript and
 * goes with its erasure; one that is written again is the same.
 */
export class ResultFiles {
  constructor(
    private readonly transcripts: Pick<TranscriptRepository, 'findByJob'>,
    private readonly objects: Pick<ObjectStore, 'put' | 'stat' | 'presign'>,
  ) {}

  /**
   * Writes the file of a completed job; does nothing where none was asked for.
   *
   * @throws PolyscribeError `dependency_unavailable` when the store or the database is away
   */
  async write(job: Job): Promise<void> {
    const format = job.options.resultFile;
    if (format === undefined) return;
    const transcript = await this.transcripts.findByJob(job.id);
    if (!transcript) throw new PolyscribeError('internal', 'A completed job has no transcript.');
    const { mediaType, render } = formatTable[format];
    // Without links: they would be dead within the hour.
    const content = Buffer.from(render({ job, transcript }));
    const source = Readable.from(content.length === 0 ? [] : [content], { objectMode: false });
    await this.objects.put(keyOf(job.transcriptId, format), source, { contentType: mediaType });
  }

  /** A link to the file of a completed job, which is written if it is not there yet; undefined where none was asked for. */
  async link(job: Job): Promise<string | undefined> {
    if (job.options.resultFile === undefined) return undefined;
    const link = await resultFileLink(this.objects, job);
    if (link !== undefined) return link;
    await this.write(job);
    return resultFileLink(this.objects, job);
  }
}
