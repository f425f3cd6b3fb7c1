import type { FfmpegSettings } from '#audio';
import {
  isJoint,
  type Job,
  type MediaFacts,
  type MediaObject,
  PolyscribeError,
  type TranscriptWarning,
} from '#contracts';
import type { ObjectStore } from '#objects';
import { type RoutingSettings, routingRequestOf } from '#routing';
import type { Attempt } from './attempt.js';
import type { EngineDirectory } from './engine-directory.js';
import { mayMix } from './engine-mix.js';
import { expectedWorkMs } from './expectation.js';
import type { JobRun, SpanWork } from './job-run.js';
import type { JointPlan, JointRunner } from './joint-runner.js';
import type { MediaFetch } from './media-fetch.js';
import { MediaHeader } from './media-header.js';
import { type MediaPlan, mediaSpans, type PlacedSpan } from './media-spans.js';
import { tellOpenSpans } from './open-overlaps.js';
import { type Prospects, prospectsOf } from './prospects.js';
import type { SpanJoints } from './span-joints.js';
import { type SpanLengths, spanLengths, shortestSpread } from './span-lengths.js';
import type { SpanScheduler, SpanSource } from './span-scheduler.js';
import { type StreamBounds, streamedSpans, type StreamPlan } from './streamed-spans.js';
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
  /** Whether a second engine may be asked when the first is slow for the length of a span. */
  readonly hedges: boolean;
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
    const { job, progress } = attempt;
    const stored = await mediaOf(attempt, this.parts.mediaFetch, signal);
    const reused = job.options.reuse === true ? await attempt.reuse() : undefined;
    if (reused) return reused;
    await progress.enter('preparing', 'Reading the media', 1);
    const copy = await this.parts.objects.toLocalFile(stored.key, signal);
    try {
      const header = new MediaHeader(copy.path, stored, this.parts.ffmpeg, signal);
      const prospects = prospectsOf(job.options, this.parts.directory.snapshot(), this.parts.routing);
      for (const span of attempt.done) progress.audioDone(span.index, span.endMs - span.startMs);
      const reading: Reading = { attempt, path: copy.path, header, prospects, warnings: [] };
      const bounds = this.parts.hedges ? undefined : streamBounds(attempt, prospects);
      return await (bounds ? this.stream(reading, bounds, signal) : this.cut(reading, signal));
    } finally {
      await copy.dispose();
    }
  }

  /** Has spans done while they are decoded; the headers are read beside that. */
  private async stream(reading: Reading, bounds: StreamBounds, signal: AbortSignal): Promise<TranscriptSummary> {
    const { attempt, header, warnings } = reading;
    const { job, progress, ledger } = attempt;
    await progress.enter('transcribing', 'Transcribing', 5);
    let noted: Promise<SpanLengths> | undefined;
    const lengths = (): Promise<SpanLengths> => {
      noted ??= this.noteFacts(reading).then(({ plan }) => plan.lengths);
      noted.catch(() => undefined);
      return noted;
    };
    const onSpan = (span: PlacedSpan, end: 'open' | 'known') => {
      if (end === 'known') progress.expectAudio(span.endMs);
      ledger.planSpan({ ...span, isWhole: false });
      // What is shorter than any span is cut without asking; by now the decoder is done with it.
      if (end === 'known') void lengths();
    };
    const { path } = reading;
    const plan = { path, settings: this.parts.ffmpeg, planned: attempt.spans, bounds, lengths };
    const spans: StreamPlan = {
      ...{ ...plan, onSpan },
      onWarning: (warning) => warnings.push(warning),
      onInfo: (info) => header.found(info),
    };
    try {
      const done = await this.transcribe(attempt, (stop) => streamedSpans(spans, stop), 1, signal);
      await lengths();
      await finishing(attempt);
      return summarize(job, done, warnings);
    } catch (error) {
      // The headers tell better why a file cannot be decoded.
      if (error instanceof PolyscribeError && error.code === 'unsupported_media') await header.ask();
      throw error;
    }
  }

  /** Has spans done that are known as a whole before an engine gets them. */
  private async cut(reading: Reading, signal: AbortSignal): Promise<TranscriptSummary> {
    const { attempt, header, warnings } = reading;
    const { job, progress, ledger } = attempt;
    const { facts } = await header.ask();
    await progress.enter('transcribing', 'Transcribing', 5);
    const { plan } = await this.noteFacts(reading);
    const lanes = plan.channels?.length ?? 1;
    if (isJoint(job.options.engine)) {
      const outcomes = await this.parts.joint.transcribe(attempt, plan, facts.durationMs, signal);
      await finishing(attempt);
      await attempt.events.drain();
      return this.parts.joint.finish(attempt, outcomes, lanes, warnings, signal);
    }
    let planned = 0;
    const spans: MediaPlan = {
      ...plan,
      planned: attempt.spans,
      // An earlier attempt may have streamed the job.
      mayEndOpen: plan.channels === undefined,
      onSpan: (span) => {
        planned = Math.max(planned, span.endMs);
        progress.expectAudio(planned * lanes);
        ledger.planSpan({ ...span, isWhole: plan.whole });
      },
    };
    const done = await this.transcribe(attempt, (stop) => mediaSpans(spans, stop), lanes, signal);
    await finishing(attempt);
    return summarize(job, done, warnings);
  }

  /** Plans by what the headers say, and writes that down. */
  private async noteFacts(reading: Reading): Promise<{ readonly plan: JointPlan }> {
    const { attempt, header, warnings } = reading;
    const { facts, areNew } = await header.ask();
    if (facts.isTruncated === true) warnings.push(truncated);
    const { expectedMs, ...plan } = this.planOf(reading, facts);
    attempt.progress.expectAudio((facts.durationMs ?? 0) * (plan.channels?.length ?? 1));
    const news = { ...(areNew ? { media: facts } : {}), ...(expectedMs === undefined ? {} : { expectedMs }) };
    if (Object.keys(news).length > 0) attempt.noteFacts(news);
    return { plan };
  }

  /** How the recording is to be cut. */
  private planOf(
    { attempt, path, prospects, warnings }: Reading,
    { audio, durationMs }: MediaFacts,
  ): JointPlan & { readonly expectedMs: number | undefined } {
    const { job } = attempt;
    const channels = channelsOf(job, audio.channels);
    const lanes = channels?.length ?? 1;
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
    source: SpanSource,
    lanes: number,
    signal: AbortSignal,
  ): Promise<DoneSpan[]> {
    const startMs = new Map<number, number>();
    const run = runOf(attempt, await tellOpenSpans(attempt, lanes));
    const results = await this.parts.scheduler.run((stop) => noting(source(stop), startMs), run, signal);
    return [...attempt.done, ...results.map((result) => ({ ...result, startMs: startMs.get(result.index) ?? 0 }))];
  }
}

/** What is at hand when a recording is about to be read. */
interface Reading {
  readonly attempt: Attempt;
  readonly path: string;
  readonly header: MediaHeader;
  readonly prospects: Prospects;
  readonly warnings: TranscriptWarning[];
}

async function finishing({ progress }: Attempt): Promise<void> {
  await progress.enter('finishing', 'Finishing the transcript', 95);
}

async function* noting(spans: AsyncIterable<SpanWork>, startMs: Map<number, number>): AsyncGenerator<SpanWork> {
  for await (const span of spans) {
    startMs.set(span.index, span.startMs);
    yield span;
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

/**
 * Between which lengths spans will be, whatever the headers say; undefined where these have to be known first, or the end of a
 * span before an engine is chosen for it.
 */
function streamBounds({ job }: Attempt, prospects: Prospects): StreamBounds | undefined {
  const { separateChannels, enableDiarization, engine } = job.options;
  if (separateChannels || enableDiarization || isJoint(engine)) return undefined;
  const longest = lengthsFor(job, undefined, prospects);
  const limits = prospects.able.map(({ description }) => description.capabilities.maxAudioMs ?? Infinity);
  if (limits.some((limit) => limit < longest.maxMs)) return undefined;
  return { soonestMs: Math.min(longest.minMs, shortestSpread.minMs), longestMs: longest.maxMs };
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
