import type { Job, JobFailure, JobStatus, StageTime } from '#contracts';
import { type MediaBody, mediaBody, toSeconds } from '#formats';
import { secondsLeft } from './time-left.js';

/** A job as the status and list routes show it. */
export interface JobView {
  job_id: string;
  transcript_id: string;
  status: JobStatus;
  progress: number;
  stage: string;
  message: string;
  engine: string;
  worker_id: string | null;
  attempts: number;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  eta_s?: number;
  stages: { name: string; started_at: string; seconds: number | null }[];
  media?: MediaBody;
  reused_from?: string;
  result?: { segments_count: number; duration: number };
  error?: {
    code: string;
    message: string;
    retryable: boolean;
    attempts: { engine: string; instance: string; code: string; message: string }[];
  };
}

/** How large a finished transcript is. */
export interface TranscriptCounts {
  readonly segments: number;
  readonly durationMs: number;
}

export function jobView(job: Job, counts?: TranscriptCounts, now: Date = new Date()): JobView {
  const etaSeconds = secondsLeft(job, now);
  return {
    job_id: job.id,
    transcript_id: job.transcriptId,
    status: job.status,
    progress: job.progress,
    stage: job.stage,
    message: job.message,
    engine: job.options.engine,
    worker_id: job.workerId ?? null,
    attempts: job.attempts,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.endedAt?.toISOString() ?? null,
    ...(etaSeconds === undefined ? {} : { eta_s: etaSeconds }),
    stages: job.stages.map(stageView),
    ...(job.media ? { media: mediaBody(job.media) } : {}),
    ...(job.reusedFrom === undefined ? {} : { reused_from: job.reusedFrom }),
    ...(counts ? { result: { segments_count: counts.segments, duration: toSeconds(counts.durationMs) } } : {}),
    ...(job.failure ? { error: failureView(job.failure) } : {}),
  };
}

function stageView(stage: StageTime): JobView['stages'][number] {
  return { name: stage.name, started_at: stage.startedAt.toISOString(), seconds: stage.seconds ?? null };
}

function failureView(failure: JobFailure): NonNullable<JobView['error']> {
  return {
    code: failure.code,
    message: failure.message,
    retryable: failure.retryable,
    attempts: failure.attempts.map(({ engine, instance, code, message }) => ({ engine, instance, code, message })),
  };
}
