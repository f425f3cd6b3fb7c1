import type { FfmpegSettings, MediaInfo } from '#audio';
import { mediaFacts, probeMedia } from '#audio';
import {
  type Job,
  type MediaFacts,
  type MediaObject,
  PolyscribeError,
  type Span,
  toDelta,
  type TranscriptWarning,
} from '#contracts';
import type { ObjectStore } from '#objects';
import type { Lease } from '#persistence';
import { type RoutingSettings, routingRequestOf } from '#routing';
import type { EngineDirectory } from './engine-directory.js';
import { mayMix } from './engine-mix.js';
import { expectedWorkMs } from './expectation.js';
import type { JobEventSink, JobLedger, JobRun } from './job-run.js';
import type { MediaFetch } from './media-fetch.js';
import { type MediaPlan, mediaSpans } from './media-spans.js';
import type { ProgressReporter } from './progress-reporter.js';
import { type Prospects, prospectsOf } from './prospects.js';
import { openSpans, SpanJoints } from './span-joints.js';
import { type SpanLengths, spanLengths } from './span-lengths.js';
import type { SpanScheduler } from './span-scheduler.js';
import { type DoneSpan, summarize, type TranscriptSummary } from './transcript-summary.js';

/** One attempt at a job, as it begins. */
export interface Attempt {
  readonly job: Job;
  /** Number of the job's run; later ones have higher numbers. */
  readonly run: number;
  readonly lease: Lease;
  /** For how long the job has been put back because something was away. */
  readonly outageMs: number;
  /** What earlier attempts have planned and begun. */
  readonly spans: readonly PlannedBefore[];
  /** Whether they take each channel as a whole; undefined when nothing is planned. */
  readonly isWhole: boolean | undefined;
  /** What earlier attempts have finished. */
  readonly done: readonly DoneSpan[];
  readonly ledger: JobLedger;
  /** Notes that the recording has been fetched; throws once the lease is lost. */
  recordMedia(media: MediaObject): Promise<void>;
  /** Notes what the headers of the recording say. */
  recordFacts(facts: MediaFacts): Promise<void>;
  /** Notes how long the engines should take for all of it. */
  recordExpectation(expectedMs: number): Promise<void>;
  /** Takes a transcript that the same recording and options gave before; undefined where there is none. */
  reuse(): Promise<TranscriptSummary | undefined>;
  readonly events: JobEventSink;
  readonly progress: ProgressReporter;
}

/** A span of an earlier attempt. */
export interface PlannedBefore extends Span {
  /** Whether what it and the span before have heard both is joined. */
  readonly isJoined: boolean;
}

/** More channels than that are no recording of people. */
const MAX_CHANNELS = 8;

const truncated: TranscriptWarning = {
  code: 'media_truncated',
  message: 'The file was cut off before its end; what is there was transcribed.',
};

const notSpread: TranscriptWarning = {
  code: 'not_spread',
  message: 'Speakers can only be told apart over the whole recording: one engine did it in one piece.',
};

/** Takes a job from its media to a finished set of spans. */
export class JobRunner {
  constructor(
    private readonly objects: ObjectStore,
    private readonly mediaFetch: MediaFetch,
    private readonly scheduler: SpanScheduler,
    private readonly directory: EngineDirectory,
    private readonly ffmpeg: FfmpegSettings,
    private readonly routing: RoutingSettings,
  ) {}

  /**
   * @throws Interruption when the signal was aborted
   * @throws PolyscribeError what fetching a recording by its URL fails with, `unsupported_media`, `not_found` when the media is gone, or what an engine or a dependency
   *   failed with
   */
  async run(attempt: Attempt, signal: AbortSignal): Promise<TranscriptSummary> {
    const { job, progress, events } = attempt;
    const stored = await mediaOf(attempt, this.mediaFetch, signal);
    const reused = job.options.reuse === true ? await attempt.reuse() : undefined;
    if (reused) return reused;
    await progress.enter('preparing', 'Reading the media', 1);
    const copy = await this.objects.toLocalFile(stored.key, signal);
    try {
      const media = await probeMedia(copy.path, this.ffmpeg, signal);
      if (!stored.facts) await attempt.recordFacts(mediaFacts(media));
      await progress.enter('transcribing', 'Transcribing', 5);
      const warnings: TranscriptWarning[] = media.isTruncated ? [truncated] : [];
      const done = await this.transcribe(attempt, copy.path, media, warnings, signal);
      await progress.enter('finishing', 'Finishing the transcript', 95);
      await events.drain();
      return summarize(job, done, warnings);
    } finally {
      await copy.dispose();
    }
  }

  private async transcribe(
    attempt: Attempt,
    path: string,
    media: MediaInfo,
    warnings: TranscriptWarning[],
    signal: AbortSignal,
  ): Promise<DoneSpan[]> {
    const { job, progress } = attempt;
    const startMs = new Map(attempt.spans.map((span) => [span.index, span.startMs]));
    const channels = channelsOf(job, media);
    const lanes = channels?.length ?? 1;
    const run = runOf(attempt, await tellOpenSpans(attempt, lanes));
    progress.expectAudio((media.durationMs ?? 0) * lanes);
    for (const span of attempt.done) progress.audioDone(span.index, span.endMs - span.startMs);

    const prospects = prospectsOf(job.options, this.directory.snapshot(), this.routing);
    const whole = isWhole(attempt, prospects);
    const audioMs = media.durationMs === undefined ? undefined : media.durationMs * lanes;
    const lengths = lengthsFor(job, audioMs, prospects);
    if (whole && prospects.places > 1 && (media.durationMs ?? 0) > lengths.maxMs) warnings.push(notSpread);
    const expectedMs = expectedWorkMs({ audioMs, lanes, whole, lengths }, prospects);
    if (expectedMs !== undefined) await attempt.recordExpectation(expectedMs);
    let planned = 0;
    const plan: MediaPlan = {
      path,
      settings: this.ffmpeg,
      channels,
      whole,
      lengths,
      planned: attempt.spans,
      onSpan: async (span) => {
        startMs.set(span.index, span.startMs);
        planned = Math.max(planned, span.endMs);
        progress.expectAudio(planned * lanes);
        await attempt.ledger.planSpan({ ...span, isWhole: whole });
      },
      onWarning: (warning) => warnings.push(warning),
    };
    const results = await this.scheduler.run((stop) => mediaSpans(plan, stop), run, signal);
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
  return spanLengths({
    audioMs,
    places: options.profile === 'precise' ? 1 : places,
    limitsMs: able.map(({ description }) => description.capabilities.maxAudioMs),
  });
}

/**
 * Takes up the overlaps that earlier attempts have left open. What those told of such spans may be more than they wrote
 * down, so it is taken back and told anew.
 */
async function tellOpenSpans({ spans, ledger, events }: Attempt, stride: number): Promise<SpanJoints> {
  const joints = new SpanJoints(stride, await openSpans(spans, stride, (indexes) => ledger.segmentsOf(indexes)));
  for (const { index, segments } of joints.told()) {
    await events.add({ type: 'void', data: { span: index } });
    for (const segment of segments) await events.add(toDelta(segment));
  }
  return joints;
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

function channelsOf(job: Job, media: MediaInfo): number[] | undefined {
  if (!job.options.separateChannels) return undefined;
  return Array.from({ length: Math.min(MAX_CHANNELS, Math.max(1, media.audio.channels)) }, (_, channel) => channel);
}
