import { randomUUID } from 'node:crypto';
import type { JobOptions, TranscriptSegment } from '#contracts';
import type { NewJob } from '../jobs/job.repository.js';
import type { SpanResult } from '../jobs/job-lease.repository.js';

/** A job as a gateway would hand it in, with whatever a test cares about. */
export function newJob(options: Partial<JobOptions> = {}): NewJob {
  const id = randomUUID();
  return {
    id,
    transcriptId: randomUUID(),
    options: {
      engine: 'auto',
      task: 'transcribe',
      profile: 'balanced',
      enableDiarization: false,
      wordTimestamps: false,
      separateChannels: false,
      onUnsupported: 'warn',
      allowFallback: true,
      priority: 5,
      tags: [],
      ...options,
    },
    media: {
      key: `media/${id}`,
      filename: 'talk.mp3',
      bytes: 5_000_000_000,
      sha256: 'ab'.repeat(32),
      mediaType: 'audio/mpeg',
    },
  };
}

export function segment(span: number, n: number, rest: Partial<TranscriptSegment> = {}): TranscriptSegment {
  const startMs = rest.startMs ?? span * 10_000 + n * 1_000;
  return {
    id: `${String(span)}-${String(n)}`,
    span,
    startMs,
    endMs: startMs + 900,
    text: `text ${String(n)}`,
    ...rest,
  };
}

export function spanResult(segments: readonly TranscriptSegment[]): SpanResult {
  return { segments, engine: 'local', instance: 'local-1', model: 'base', language: 'en', warnings: [] };
}
