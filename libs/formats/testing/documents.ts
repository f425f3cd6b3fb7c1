import type { Job, JobOptions, Transcript, TranscriptSegment } from '#contracts';
import type { TranscriptDocument } from '../transcript-document.js';

/** A finished document with those segments, for tests. */
export function aDocument(
  segments: readonly TranscriptSegment[],
  changes: { options?: Partial<JobOptions>; transcript?: Partial<Transcript> } = {},
): TranscriptDocument {
  const job: Job = {
    id: '0b1e7f1c-6f0c-4d2c-9d39-0d4f2f0a7a01',
    transcriptId: '0b1e7f1c-6f0c-4d2c-9d39-0d4f2f0a7a02',
    status: 'completed',
    progress: 100,
    stage: 'completed',
    message: '',
    options: {
      engine: 'auto',
      task: 'transcribe',
      profile: 'balanced',
      enableDiarization: false,
      wordTimestamps: false,
      separateChannels: false,
      onUnsupported: 'refuse',
      allowFallback: false,
      priority: 0,
      tags: [],
      ...changes.options,
    },
    filename: 'visit.mp3',
    media: { key: 'a/b', filename: 'visit.mp3', bytes: 10, sha256: '00', mediaType: 'audio/mpeg' },
    attempts: 1,
    revision: 1,
    createdAt: new Date('2026-01-02T03:04:05Z'),
    stages: [],
  };
  return {
    job,
    audioUrl: 'http://127.0.0.1:8000/api/media/a/b?signature=x',
    transcript: {
      id: job.transcriptId,
      jobId: job.id,
      language: 'en',
      durationMs: 90_000,
      engineUsed: 'local',
      model: 'base',
      segments,
      warnings: [],
      ...changes.transcript,
    },
  };
}

/** A segment with those times and text, for tests. */
export function aSegment(
  startMs: number,
  endMs: number,
  text: string,
  more: Partial<TranscriptSegment> = {},
): TranscriptSegment {
  return { id: `0-${startMs}`, span: 0, startMs, endMs, text, ...more };
}
