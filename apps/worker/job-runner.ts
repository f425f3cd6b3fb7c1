import type { FfmpegSettings, MediaInfo } from '#audio';
import { mediaFacts, probeMedia } from '#audio';
import { isJoint, type Job, type MediaObject, PolyscribeError, type TranscriptWarning } from '#contracts';
import type { ObjectStore } from '#objects';
import { type RoutingSettings, routingRequestOf } from '#routing';
import type { Attempt } from './attempt.js';
import type { EngineDirectory } from './engine-directory.js';
import { mayMix } from './engine-mix.js';
import { expectedWorkMs } from './expectation.js';
import type { JobRun } from './job-run.js';
import type { JointPlan, JointRunner } from './joint-runner.js';
import type { MediaFetch } from './media-fetch.js';
import { type MediaPlan, mediaSpans } from './media-spans.js';
import { tellOpenSpans } from './open-overlaps.js';
import { type Prospects, prospectsOf } from './prospects.js';
import type { SpanJoints } from './span-joints.js';
import { type SpanLengths, spanLengths } from './span-lengths.js';
import type { SpanScheduler } from './span-scheduler.js';
import { type DoneSpan, summarize, type TranscriptSummary } from './transcript-summary.js';

/** More channels than that are no recording of people. */
const MAX_CHANNELS = 8;

export const truncated: TranscriptWarning = {
  code: 'media_truncated',
  message: 'The file was cut off before its end; what is there was transcribed.',
};

const notSpread: TranscriptWarning = {
  code: 'not_spread',
  message: 'Speakers can only be told apart over the whole recording: one engine did it in one piece.',
};

export interface JobRunnerParts {
  readonly objects: ObjectStore;
  readonly mediaFetch: MediaFetch;
  readonly scheduler: SpanScheduler;
  readonly joint: JointRunner;
  readonly directory: EngineDirectory;
  readonly ffmpeg: FfmpegSettings;
  readonly routing: RoutingSettings;
}

/** Takes a job from its media to a finished set of spans. */
export class JobRunner {
  constructor(private readonly parts: JobRunnerParts) {}

  /**
   * @throws Interruption when the signal was aborted
   * @throws PolyscribeError what fetching a recording by its URL fails with, `unsupported_media`, `not_found` when the media is gone, or what an engine or a dependency
   *   failed with
   */
  async run(attempt: Attempt, signal: AbortSignal): Promise<TranscriptSummary> {
    const { job, progress, events } = attempt;
    const stored = await mediaOf(attempt, this.parts.mediaFetch, signal);
    const reused = job.options.reuse === true ? await attempt.reuse() : undefined;
    if (reused) return reused;
    await progress.enter('preparing', 'Reading the media', 1);
    const copy = await this.parts.objects.toLocalFile(stored.key, signal);
    try {
      const media = await probeMedia(copy.path, this.parts.ffmpeg, signal);
      await progress.enter('transcribing', 'Transcribing', 5);
      const warnings: TranscriptWarning[] = media.isTruncated ? [truncated] : [];
      const { expectedMs, ...plan } = this.planOf(attempt, copy.path, media, warnings);
      const facts = {
        ...(stored.facts ? {} : { media: mediaFacts(media) }),
        ...(expectedMs === undefined ? {} : { expectedMs }),
      };
      if (Object.keys(facts).length > 0) await attempt.recordFacts(facts);
      for (const span of attempt.done) progress.audioDone(span.index, span.endMs - span.startMs);
      const finishing = async () => {
        await progress.enter('finishing', 'Finishing the transcript', 95);
        await events.drain();
      };
      if (isJoint(job.options.engine)) {
        const outcomes = await this.parts.joint.transcribe(attempt, plan, media.durationMs, signal);
        await finishing();
        return await this.parts.joint.finish(attempt, outcomes, plan.channels?.length ?? 1, warnings, signal);
      }
      const done = await this.transcribe(attempt, plan, media.durationMs, signal);
      await finishing();
      return summarize(job, done, warnings);
    } finally {
      await copy.dispose();
    }
  }

  /** How the recording is to be cut. */
  private planOf(
    attempt: Attempt,
    path: string,
    { audio, durationMs }: MediaInfo,
    warnings: TranscriptWarning[],
  ): JointPlan & { readonly expectedMs: number | undefined } {
    const { job } = attempt;
    const channels = channelsOf(job, audio.channels);
    const lanes = channels?.length ?? 1;
    const prospects = prospectsOf(job.options, this.parts.directory.snapshot(), this.parts.routing);
    const whole = isWhole(attempt, prospects);
    const audioMs = durationMs === undefined ? undefined : durationMs * lanes;
    const lengths = lengthsFor(job, audioMs, prospects);
    if (whole && prospects.places > 1 && (durationMs ?? 0) > lengths.maxMs) warnings.push(notSpread);
    const expectedMs = expectedWorkMs({ audioMs, lanes, whole, lengths }, prospects);
    const settings = this.parts.ffmpeg;
    return { expectedMs, path, settings, channels, whole, lengths, onWarning: (warning) => warnings.push(warning) };
  }

  private async transcribe(
    attempt: Attempt,
    plan: JointPlan,
    durationMs: number | undefined,
    signal: AbortSignal,
  ): Promise<DoneSpan[]> {
    const { progress } = attempt;
    const startMs = new Map(attempt.spans.map((span) => [span.index, span.startMs]));
    const lanes = plan.channels?.length ?? 1;
    const run = runOf(attempt, await tellOpenSpans(attempt, lanes));
    progress.expectAudio((durationMs ?? 0) * lanes);
    let planned = 0;
    const spans: MediaPlan = {
      ...plan,
      planned: attempt.spans,
      onSpan: async (span) => {
        startMs.set(span.index, span.startMs);
        planned = Math.max(planned, span.endMs);
        progress.expectAudio(planned * lanes);
        await attempt.ledger.planSpan({ ...span, isWhole: plan.whole });
      },
    };
    const results = await this.parts.scheduler.run((stop) => mediaSpans(spans, stop), run, signal);
    return [...attempt.done, ...results.map((result) => ({ ...result, startMs: startMs.get(result.index) ?? 0 }))];
  }
}

/**
 * Speakers can only be told apart over the whole file. That is asked for where some engine can do it; where none can and
 * the client wants a warning instead, spans serve better. What an earlier attempt decided stays.
 */
function isWhole({ job, isWhole: decided }: Attempt, { able }: Prospects): boolean {
  if (!job.options.enableDiarization) return false;
  if (decided !== undefined) return decided;
  return able.length === 0 || able.some((instance) => instance.description.capabilities.diarization);
}

/** Who asks for precision gets long spans, in which engines have the most context. */
function lengthsFor({ options }: Job, audioMs: number | undefined, { able, places }: Prospects): SpanLengths {
  const limitsMs = able
    .filter(({ description }) => options.engines?.includes(description.engine) ?? true)
    .map(({ description }) => description.capabilities.maxAudioMs);
  // Engines that are to be compared all take the same pieces: none is left out because it takes but short ones.
  if (isJoint(options.engine)) {
    return spanLengths({ audioMs, places: 1, limitsMs: [Math.min(...limitsMs.map((limit) => limit ?? Infinity))] });
  }
  return spanLengths({ audioMs, places: options.profile === 'precise' ? 1 : places, limitsMs });
}

/** The job's recording, fetched first where it was sent by its URL. */
export async function mediaOf(
  attempt: Attempt,
  mediaFetch: Pick<MediaFetch, 'fetch'>,
  signal: AbortSignal,
): Promise<MediaObject> {
  const { job, run, outageMs, progress } = attempt;
  if (job.media) return job.media;
  if (job.sourceUrl === undefined) throw new PolyscribeError('internal', 'The job has neither media nor a URL.');
  await progress.enter('fetching', 'Fetching the recording');
  const record = (media: MediaObject) => attempt.recordMedia(media);
  return mediaFetch.fetch({ jobId: job.id, url: job.sourceUrl, run, failingMs: outageMs, record }, signal);
}

function runOf({ job, done, ledger, events, progress }: Attempt, joints: SpanJoints): JobRun {
  return {
    ...{ job, ledger, events, progress, joints },
    routing: routingRequestOf(job.options),
    mixesEngines: mayMix(job.options),
    engine: done[0]?.engine,
  };
}

function channelsOf(job: Job, channels: number): number[] | undefined {
  if (!job.options.separateChannels) return undefined;
  return Array.from({ length: Math.min(MAX_CHANNELS, Math.max(1, channels)) }, (_, channel) => channel);
}
