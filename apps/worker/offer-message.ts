import type { Job, JobOptions, MediaObject } from '#contracts';
import { toSeconds } from '#formats';
import type { ClaimedDelivery, RemoteOffer } from '#persistence';

/** What remote workers are told of their time. */
export interface ReportLimits {
  /** How long one may be silent. */
  readonly leaseMs: number;
  /** How long one may work at a job in all. */
  readonly jobTimeoutMs: number;
}

/** What is known of an offer. */
export interface OfferFacts {
  readonly job: Job;
  readonly media: MediaObject;
  readonly offer: RemoteOffer;
  /** Anyone who has it can read the recording until the offer's work must be done. */
  readonly mediaUrl: string;
  readonly reportBase: string;
  readonly limits: ReportLimits;
}

/** Longest life of a signed link that S3 takes. */
export const MAX_LINK_MS = 604_800_000;

/**
 * The body of `job.offered`: all that a remote worker needs to do the job and to report on it. The caller's own ids and
 * metadata are none of its business, and are left out.
 */
export function offerBody({ event, occurredAt, endpointId }: ClaimedDelivery, facts: OfferFacts): Buffer {
  const { job, media, offer, mediaUrl, reportBase, limits } = facts;
  const data = {
    job_id: job.id,
    transcript_id: job.transcriptId,
    offer_id: offer.offerId,
    expires_at: offer.expiresAt.toISOString(),
    report_url: `${reportBase.replace(/\/+$/, '')}/api/webhooks/transcription?endpoint_id=${endpointId ?? ''}`,
    lease_s: toSeconds(limits.leaseMs),
    timeout_s: toSeconds(limits.jobTimeoutMs),
    media: {
      url: mediaUrl,
      filename: media.filename,
      bytes: media.bytes,
      sha256: media.sha256,
      media_type: media.mediaType,
      duration: toSeconds(offer.durationMs),
    },
    options: offeredOptions(job.options),
  };
  return Buffer.from(JSON.stringify({ type: event, timestamp: occurredAt.toISOString(), data }));
}

/** Under the names that the submit routes know. What was not asked for is left out by the JSON. */
function offeredOptions(options: JobOptions): Record<string, unknown> {
  return {
    engine: options.engine,
    language: options.language,
    model: options.model,
    task: options.task,
    profile: options.profile,
    enable_diarization: options.enableDiarization,
    min_speakers: options.minSpeakers,
    max_speakers: options.maxSpeakers,
    word_timestamps: options.wordTimestamps,
    separate_channels: options.separateChannels,
    punctuation: options.punctuation,
    profanity_filter: options.profanityFilter,
    verbatim: options.verbatim,
    engine_options: options.engineOptions,
    terms: options.context?.phrases,
  };
}
