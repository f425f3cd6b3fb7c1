import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EngineKind, MediaObject, PolyscribeError, RemoteMedia } from '#contracts';
import type { EarlierSubmission } from '#persistence';
import type { ClientLimits } from '../client-limits.js';
import { CLIENT_LIMITS } from '../tokens.js';
import { invalid } from './field-errors.js';
import { partsInTime } from './parts-in-time.js';
import { sourceNames } from './remote-source.js';
import { SubmissionMedia } from './submission-media.service.js';
import type { SubmissionPart } from './submission-part.js';
import { SubmissionRows, type Submitted } from './submission-rows.service.js';
import { SubmitOptionsReader } from './submit-options.service.js';
import { SubmittedUpload } from './submitted-upload.service.js';

/** One wish for a transcript, as it comes in. */
export interface Submission {
  readonly parts: AsyncIterable<SubmissionPart>;
  /** The engine that the route names. */
  readonly pathEngine?: EngineKind | undefined;
  /** What the client calls it, so that sending it again makes no second job. */
  readonly key?: string | undefined;
}

/**
 * Accepts work: media into the object store, unless a worker is to fetch them, rows into the database, an entry into the
 * queue.
 */
@Injectable()
export class SubmitJob {
  constructor(
    private readonly options: SubmitOptionsReader,
    private readonly media: SubmissionMedia,
    private readonly uploads: SubmittedUpload,
    private readonly rows: SubmissionRows,
    @Inject(CLIENT_LIMITS) private readonly limits: ClientLimits,
  ) {}

  /**
   * Takes a submission whose file may come before, between or after its options. A refused one leaves nothing behind; one
   * that repeats an earlier one under its key gives the job of that one.
   */
  async submit(submission: Submission, signal: AbortSignal): Promise<Submitted> {
    const jobId = randomUUID();
    const earlier = await this.rows.earlier(submission.key);
    const received: Received = { fields: new Map() };
    try {
      await this.receive(received, submission, { jobId, known: earlier !== undefined }, signal);
      const submitted = await this.accept(jobId, received, submission, earlier, signal);
      if (submitted.replayed && received.media) await this.media.discard(jobId, received.media);
      return submitted;
    } catch (error) {
      if (received.media) await this.media.refused(jobId, received.media, error);
      throw error;
    }
  }

  /** Reads the parts one by one; a file is read to its end before the next part is asked for. */
  private async receive(
    received: Received,
    { parts, pathEngine }: Submission,
    { jobId, known }: { jobId: string; known: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { fields } = received;
    for await (const part of partsInTime(parts, this.limits.aroundFileMs)) {
      if (part.type === 'field') {
        addField(fields, part.name, part.value);
        continue;
      }
      refuseWrongFile(part.name, received.media !== undefined);
      if (this.options.remoteSource(fields)) throw twoSources('url');
      if (this.uploads.named(fields) !== undefined) throw twoSources('upload_id');
      // What was accepted once is not judged again: the engines of that time may be away.
      if (!known) await this.options.judgeEarly(optionsIn(fields), pathEngine);
      received.media = await this.media.store({ jobId, name: 'source' }, part, signal);
    }
  }

  private async accept(
    jobId: string,
    received: Received,
    { key, pathEngine }: Submission,
    earlier: EarlierSubmission | undefined,
    signal: AbortSignal,
  ): Promise<Submitted> {
    const options = optionsIn(received.fields);
    const source = this.sourceOf(received);
    const named =
      key === undefined
        ? undefined
        : { key, fingerprint: this.options.fingerprint(options, pathEngine, nameOf(source)) };
    if (named && earlier) return this.rows.replay(named, earlier);
    const job = { id: jobId, transcriptId: randomUUID(), options: await this.options.read(options, pathEngine) };
    if (!('uploadId' in source)) return this.rows.create({ ...job, media: source }, named);
    const { uploadId } = source;
    try {
      received.media = await this.uploads.store({ jobId, name: 'source' }, uploadId, signal);
    } catch (error) {
      // Of two at once under one key, the second may find the upload used by the first.
      const first = await this.rows.earlier(key);
      if (named && first) return this.rows.replay(named, first);
      throw error;
    }
    const submitted = await this.rows.create({ ...job, media: received.media, uploadId }, named);
    if (!submitted.replayed) await this.uploads.clear(jobId, uploadId);
    return submitted;
  }

  /** Where the recording is: one place, or the submission is refused. */
  private sourceOf({ fields, media }: Received): MediaObject | RemoteMedia | UploadSource {
    const remote = this.options.remoteSource(fields);
    const uploadId = this.uploads.named(fields);
    const upload = uploadId === undefined ? undefined : { uploadId };
    const [source, ...others] = [media, remote, upload].filter((given) => given !== undefined);
    if (others.length > 0) throw twoSources(remote ? 'url' : 'upload_id');
    if (!source) throw invalid([{ pointer: '/file', detail: MISSING }]);
    return source;
  }
}

/** What came in so far. */
interface Received {
  readonly fields: Map<string, unknown>;
  media?: MediaObject;
}

interface UploadSource {
  readonly uploadId: string;
}

const MISSING = 'is missing; send the recording as a file field, or url or upload_id';

/** What tells one recording from another. */
function nameOf(source: MediaObject | RemoteMedia | UploadSource): Readonly<Record<string, string>> {
  if ('uploadId' in source) return { uploadId: source.uploadId };
  return 'url' in source ? { url: source.url } : { sha256: source.sha256 };
}

/** What describes the job and not where its recording lies. */
function optionsIn(fields: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const sources: readonly string[] = sourceNames;
  return Object.fromEntries([...fields].filter(([name]) => !sources.includes(name)));
}

function twoSources(name: 'url' | 'upload_id'): PolyscribeError {
  return invalid([{ pointer: `/${name}`, detail: 'is given beside another recording; a job has one' }]);
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
