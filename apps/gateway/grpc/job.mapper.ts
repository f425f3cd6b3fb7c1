import {
  type Job,
  type JobStatus,
  jobStatuses,
  type MediaObject,
  type Transcript,
  type TranscriptSegment,
  type TranscriptWord,
} from '#contracts';
import { fullText } from '#formats';
import { jobV1, msToDuration } from '#protos';
import type { WatchedEvent } from '../jobs/job-news.js';

const { JobState } = jobV1;

const stateOf: Readonly<Record<JobStatus, jobV1.JobState>> = {
  queued: JobState.QUEUED,
  processing: JobState.PROCESSING,
  completed: JobState.COMPLETED,
  failed: JobState.FAILED,
  cancelled: JobState.CANCELLED,
};

/** undefined for unspecified and for what we do not know. */
export function statusOf(state: jobV1.JobState): JobStatus | undefined {
  return jobStatuses.find((status) => stateOf[status] === state);
}

export function jobToWire(job: Job): jobV1.Job {
  return {
    jobId: job.id,
    transcriptId: job.transcriptId,
    state: stateOf[job.status],
    progressPercent: job.progress,
    stage: job.stage,
    message: job.message,
    engine: job.options.engine,
    workerId: job.workerId ?? '',
    attemptCount: job.attempts,
    createTime: job.createdAt,
    startTime: job.startedAt,
    endTime: job.endedAt,
    error: job.failure && {
      code: job.failure.code,
      message: job.failure.message,
      retryable: job.failure.retryable,
    },
    media: job.media && mediaToWire(job.media),
    reusedFromJobId: job.reusedFrom ?? '',
  };
}

function mediaToWire({ bytes, mediaType, facts }: MediaObject): jobV1.Media {
  const { audio, video } = facts ?? {};
  return {
    sizeBytes: bytes,
    mediaType,
    container: facts?.container ?? '',
    duration: facts?.durationMs === undefined ? undefined : msToDuration(facts.durationMs),
    bitRate: facts?.bitRate ?? 0,
    createTime: facts?.createdAt === undefined ? undefined : new Date(facts.createdAt),
    audio: audio && { codec: audio.codec, sampleRateHertz: audio.sampleRateHz, channelCount: audio.channels },
    video: video && { ...video, frameRate: video.frameRate ?? 0 },
  };
}

export function eventToWire({ position, body }: WatchedEvent): jobV1.JobEvent {
  // An end that was made from the database has no place in the log; 0 is what no logged event has.
  return { sequence: position === 'end' ? 0 : position, type: body.type, data: body.data };
}

export function transcriptToWire(job: Job, transcript: Transcript): jobV1.Transcript {
  return {
    transcriptId: transcript.id,
    jobId: transcript.jobId,
    language: transcript.language,
    duration: msToDuration(transcript.durationMs),
    engineUsed: transcript.engineUsed,
    model: transcript.model,
    text: fullText(transcript.segments),
    segments: transcript.segments.map((segment) => segmentToWire(segment, job.options.wordTimestamps)),
    warnings: transcript.warnings.map(({ code, message }) => ({ code, message })),
    speakerRoles: { ...transcript.speakerRoles },
    reusedFromJobId: job.reusedFrom ?? '',
  };
}

function segmentToWire(segment: TranscriptSegment, withWords: boolean): jobV1.TranscriptSegment {
  return {
    segmentId: segment.id,
    startOffset: msToDuration(segment.startMs),
    endOffset: msToDuration(segment.endMs),
    text: segment.text,
    speakerTag: segment.speakerTag,
    channel: segment.channel,
    confidence: segment.confidence,
    engine: segment.engine,
    words: withWords ? (segment.words ?? []).map(wordToWire) : [],
  };
}

function wordToWire(word: TranscriptWord): jobV1.TranscriptWord {
  return {
    text: word.text,
    startOffset: msToDuration(word.startMs),
    endOffset: msToDuration(word.endMs),
    confidence: word.confidence,
    speakerTag: word.speakerTag,
    interpolated: word.interpolated ?? false,
  };
}
