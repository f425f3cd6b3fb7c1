import type { IncomingHttpHeaders } from 'node:http';
import { type MediaObject, PolyscribeError } from '#contracts';
import { fileNameInHeader, fileNameInUrl, fileTooLarge, mediaFolder, MediaIntake } from '#media-intake';
import type { ObjectStore } from '#objects';
import type { Answer, OutboundHttp } from '#outbound-http';
import { LeaseLostError } from '#persistence';
import { Interruption } from './interruption.js';
import type { WorkerMetrics } from './worker-metrics.js';

export interface FetchLimits {
  readonly maxFileBytes: number;
  /** From the first question to the name server to the last byte. */
  readonly fetchTimeoutMs: number;
}

/** A recording that one run of a job is to fetch. */
export interface MediaToFetch {
  readonly jobId: string;
  readonly url: string;
  /** Number of the job's run; later runs have higher ones. */
  readonly run: number;
  /** For how long fetching has been failing. */
  readonly failingMs: number;
  /** Notes in the job's row what was fetched; throws once the job is another's. */
  record(media: MediaObject): Promise<void>;
}

/** Until the head of an answer has come; some hosts make the file first. */
const HEAD_TIMEOUT_MS = 30_000;
/** A host that is in trouble is left alone for half as long as it has been, within these. */
const SHORTEST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

/** Statuses that say "not now" (RFC 9110, 6585, 8470); so do all of the server's own faults. */
const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Fetches recordings that were submitted by their URL into the object store.
 *
 * Each run of a job writes an object of its own. Only one that is recorded under the run's lease counts; a run that dies
 * between the two leaves an object that the next one removes.
 */
export class MediaFetch {
  private readonly intake: MediaIntake;

  constructor(
    private readonly outbound: OutboundHttp,
    private readonly objects: ObjectStore,
    private readonly limits: FetchLimits,
    private readonly metrics: Pick<WorkerMetrics, 'mediaFetched'>,
  ) {
    const stopped = () => new PolyscribeError('dependency_unavailable', 'The host of the URL stopped sending.');
    this.intake = new MediaIntake({ objects, maxFileBytes: limits.maxFileBytes, stopped });
  }

  /**
   * @throws PolyscribeError `url_not_allowed`; `invalid_request` when the host refuses; `payload_too_large`;
   *   `unsupported_media`; `dependency_unavailable` when host or object store are in trouble, with the time after which
   *   to try again; `cancelled`
   */
  async fetch(wanted: MediaToFetch, signal: AbortSignal): Promise<MediaObject> {
    await this.removeLeftovers(wanted);
    try {
      const media = await this.store(wanted, signal);
      await this.record(wanted, media);
      this.metrics.mediaFetched('done');
      return media;
    } catch (error) {
      if (error instanceof PolyscribeError) this.metrics.mediaFetched(error.code);
      throw this.withPause(error, wanted.failingMs);
    }
  }

  private async store({ jobId, url, run }: MediaToFetch, signal: AbortSignal): Promise<MediaObject> {
    const { fetchTimeoutMs, maxFileBytes } = this.limits;
    const answer = await this.outbound.get(url, { totalMs: fetchTimeoutMs, headMs: HEAD_TIMEOUT_MS }, signal);
    try {
      refuse(answer, maxFileBytes);
      const filename = fileNameInHeader(answer.headers['content-disposition']) ?? fileNameInUrl(answer.url);
      return await this.intake.store({ jobId, name: nameOf(run) }, { filename, content: answer.body }, signal);
    } finally {
      answer.body.destroy();
    }
  }

  private async record(wanted: MediaToFetch, media: MediaObject): Promise<void> {
    try {
      await wanted.record(media);
    } catch (error) {
      // Only then is it certain that no row names the object; otherwise the next run sees to it.
      if (error instanceof LeaseLostError || error instanceof Interruption) await this.intake.discard(media);
      throw error;
    }
  }

  /** What earlier runs put away and died before they could record it. A later run's object is not ours to remove. */
  private async removeLeftovers({ jobId, run }: MediaToFetch): Promise<void> {
    const folder = mediaFolder(jobId);
    for await (const { key } of this.objects.list(folder)) {
      const [, earlier] = /^fetched-(\d+)\./.exec(key.slice(folder.length)) ?? [];
      if (earlier !== undefined && Number(earlier) < run) await this.objects.delete(key);
    }
  }

  private withPause(error: unknown, failingMs: number): unknown {
    if (!(error instanceof PolyscribeError) || error.code !== 'dependency_unavailable') return error;
    const ownMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, failingMs / 2));
    const retryAfterMs = Math.max(ownMs * (0.75 + 0.5 * Math.random()), error.retryAfterMs ?? 0);
    return new PolyscribeError(error.code, error.message, { cause: error.cause ?? error, retryAfterMs });
  }
}

function nameOf(run: number): string {
  return `fetched-${run}`;
}

/** Whether the head of an answer says that no recording comes, or none that is taken. */
function refuse({ status, headers }: Answer, maxFileBytes: number): void {
  if (status >= 500 || passing.has(status)) {
    throw new PolyscribeError('dependency_unavailable', `The host of the URL answered ${status}.`, {
      ...retryAfter(headers),
    });
  }
  if (status !== 200) {
    throw new PolyscribeError('invalid_request', `The host of the URL answered ${status}, and sent no recording.`);
  }
  if (Number(headers['content-length'] ?? 0) > maxFileBytes) throw fileTooLarge(maxFileBytes);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new PolyscribeError(
      'unsupported_media',
      'The host of the URL sends the recording packed (Content-Encoding), though asked for it as it is.',
    );
  }
}

/** `Retry-After` in seconds or as a date. */
function retryAfter(headers: IncomingHttpHeaders): { retryAfterMs?: number } {
  const text = headers['retry-after'] ?? '';
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return ms > 0 ? { retryAfterMs: ms } : {};
}
