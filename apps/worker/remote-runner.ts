import { decodePcm, type FfmpegSettings, mediaFacts, probeMedia } from '#audio';
import { type EngineKind, isEngineKind, type Job, type MediaObject, pcmBytesToMs, PolyscribeError } from '#contracts';
import type { ObjectStore } from '#objects';
import type { LastOffer, RemoteFailure, RemoteLeaseRepository } from '#persistence';
import type { JobQueue } from '#queue';
import { FinalFailure, HandedOn } from './hand-on.js';
import type { Attempt } from './attempt.js';
import { mediaOf, truncated } from './job-runner.js';
import type { MediaFetch } from './media-fetch.js';
import { type DoneSpan, summarize, type TranscriptSummary } from './transcript-summary.js';

export interface RemoteRunnerParts {
  readonly objects: Pick<ObjectStore, 'toLocalFile'>;
  readonly mediaFetch: Pick<MediaFetch, 'fetch'>;
  readonly leases: Pick<RemoteLeaseRepository, 'lastOffer' | 'offer' | 'toMesh'>;
  /** Of the mesh's own jobs. */
  readonly queue: Pick<JobQueue, 'enqueue'>;
  readonly ffmpeg: FfmpegSettings;
  /** How long an offer stands. */
  readonly offerMs: number;
}

const nobody: RemoteFailure = {
  code: 'no_engine',
  message: 'No endpoint takes offers of jobs; register one for the event job.offered.',
  retryable: true,
};
const lapsed: RemoteFailure = { code: 'no_engine', message: 'No remote worker took the job in time.', retryable: true };

/**
 * What our worker does for a job that a remote worker transcribes: fetches and measures the recording, offers it, judges
 * what became of the offer, and finishes what comes back.
 */
export class RemoteRunner {
  constructor(private readonly parts: RemoteRunnerParts) {}

  /**
   * @returns once the remote worker's transcript is there
   * @throws HandedOn when the job was offered, or given to the mesh; FinalFailure when no further try is meant;
   *   Interruption; PolyscribeError as `JobRunner.run` does before an engine is called
   */
  async run(attempt: Attempt, signal: AbortSignal): Promise<TranscriptSummary> {
    const { job, done, lease } = attempt;
    if (done.length > 0) return finish(attempt);
    const last = await this.parts.leases.lastOffer(job.id);
    if (last) await this.judge(attempt, last);
    const media = await mediaOf(attempt, this.parts.mediaFetch, signal);
    const reused = job.options.reuse === true ? await attempt.reuse() : undefined;
    if (reused) return reused;
    const durationMs = last?.durationMs ?? (await this.measure(attempt, media, signal));
    signal.throwIfAborted();
    // Told before it is written: afterwards a remote worker may already be telling that it runs.
    await tellOffered(attempt);
    const became = await this.parts.leases.offer(lease, { durationMs, openMs: this.parts.offerMs });
    if (became === 'nobody') await this.giveUp(attempt, nobody);
    throw new HandedOn(became === 'cancelled' ? 'cancelled' : 'handed on');
  }

  /** What an offer came to that brought no transcript. Returns when the job is to be offered again. */
  private async judge(attempt: Attempt, last: LastOffer): Promise<void> {
    const { job, ledger, events } = attempt;
    const failure = failureOf(last);
    if (last.state !== 'open') {
      const { code, message } = failure;
      await ledger.recordFailedAttempt({ engine: kindOf(job), instance: last.workerId ?? '', code, message });
      await events.add({ type: 'void', data: { span: 0 } });
      await events.drain();
    }
    if (!failure.retryable || job.attempts > last.maxRetries + 1) await this.giveUp(attempt, failure);
  }

  private async giveUp({ job, lease }: Attempt, { code, message }: RemoteFailure): Promise<never> {
    if (!job.options.allowFallback) throw new FinalFailure(new PolyscribeError(code, message));
    const became = await this.parts.leases.toMesh(lease, message);
    if (became === 'cancelled') throw new HandedOn('cancelled');
    // A queue that is away loses nothing: the reconciler finds the row.
    await this.parts.queue.enqueue({ jobId: job.id, priority: job.options.priority }).catch(() => undefined);
    throw new HandedOn('handed on');
  }

  /** The length of the audio in milliseconds. Headers may say anything; a file is decoded a thousand times faster than it plays. */
  private async measure(attempt: Attempt, media: MediaObject, signal: AbortSignal): Promise<number> {
    const { objects, ffmpeg } = this.parts;
    await attempt.progress.enter('preparing', 'Reading the media', 1);
    const copy = await objects.toLocalFile(media.key, signal);
    try {
      const probed = await probeMedia(copy.path, ffmpeg, signal);
      if (!media.facts) await attempt.recordFacts({ media: mediaFacts(probed) });
      let bytes = 0;
      for await (const chunk of decodePcm(copy.path, { settings: ffmpeg, signal })) bytes += chunk.length;
      return pcmBytesToMs(bytes);
    } finally {
      await copy.dispose();
    }
  }
}

async function finish({ job, done, progress, events }: Attempt): Promise<TranscriptSummary> {
  await progress.enter('finishing', 'Finishing the transcript', 95);
  await events.drain();
  return summarize(
    job,
    done.map((span) => ({ ...span, ...otherEngine(job, span) })),
    job.media?.facts?.isTruncated ? [truncated] : [],
  );
}

function otherEngine({ options }: Job, { engine }: DoneSpan): { fallbackReason?: string } {
  if (options.engine === 'auto' || options.engine === engine) return {};
  return { fallbackReason: `The remote worker ran ${engine} instead of ${options.engine}.` };
}

function failureOf(last: LastOffer): RemoteFailure {
  if (last.state === 'open') return lapsed;
  const message = `The remote worker ${last.workerId ?? ''} fell silent.`;
  return last.failure ?? { code: 'engine_timeout', message, retryable: true };
}

/** What a remote worker counts as before it has said what it runs. */
function kindOf({ options }: Job): EngineKind {
  return isEngineKind(options.engine) ? options.engine : 'whisperx';
}

async function tellOffered({ job, progress, events }: Attempt): Promise<void> {
  const { percentNow } = progress;
  const data = { job_id: job.id, status: 'queued' as const, stage: 'offered', message: 'Offered to remote workers' };
  await events.add({ type: 'status', data: { ...data, progress: percentNow } });
  await events.drain();
}
