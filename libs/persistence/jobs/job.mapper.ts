import type { FailedAttempt, Job, JobFailure, MediaObject, StageTime } from '#contracts';
import type { ErrorDetails, StageRecord, TranscriptJobEntity } from '../entities/transcript-job.entity.js';

export function toJob(row: TranscriptJobEntity): Job {
  const failure = row.status === 'failed' ? toFailure(row.errorDetails) : undefined;
  return {
    id: row.jobId,
    transcriptId: row.transcriptId,
    revision: row.revision,
    status: row.status,
    progress: row.progress,
    stage: row.stage,
    message: row.message,
    options: row.engineParams,
    filename: row.mediaFilename,
    ...toMedia(row),
    ...(row.sourceUrl === null ? {} : { sourceUrl: row.sourceUrl }),
    ...(row.mediaRemovedAt === null ? {} : { mediaRemovedAt: row.mediaRemovedAt }),
    ...(row.workerId === null ? {} : { workerId: row.workerId }),
    ...(row.isRemote ? { isRemote: true } : {}),
    ...(row.meshReason === null ? {} : { meshReason: row.meshReason }),
    attempts: row.attempts,
    createdAt: row.createdAt,
    ...(row.startedAt === null ? {} : { startedAt: row.startedAt }),
    ...(row.completedAt === null ? {} : { endedAt: row.completedAt }),
    stages: row.stages.map(toStage),
    ...(row.expectedMs === null ? {} : { expectedMs: row.expectedMs }),
    ...(row.reusedFrom === null ? {} : { reusedFrom: row.reusedFrom }),
    ...(failure ? { failure } : {}),
  };
}

/** Engine calls that failed so far, whether or not the job did. */
function toFailedAttempts(details: ErrorDetails | null): readonly FailedAttempt[] {
  return details?.attempts ?? [];
}

function toMedia(row: TranscriptJobEntity): { media?: MediaObject } {
  if (row.mediaKey === null) return {};
  return {
    media: {
      key: row.mediaKey,
      filename: row.mediaFilename,
      bytes: row.mediaBytes,
      sha256: row.mediaSha256,
      mediaType: row.mediaType,
      ...(row.mediaFacts === null ? {} : { facts: row.mediaFacts }),
    },
  };
}

function toStage(record: StageRecord): StageTime {
  return {
    name: record.name,
    startedAt: new Date(record.startedAt),
    ...(record.seconds === undefined ? {} : { seconds: record.seconds }),
  };
}

function toFailure(details: ErrorDetails | null): JobFailure {
  return {
    code: details?.code ?? 'internal',
    message: details?.message ?? '',
    retryable: details?.retryable ?? false,
    attempts: toFailedAttempts(details),
  };
}
