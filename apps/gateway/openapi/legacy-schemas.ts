import { z } from 'zod';
import { jobStatuses, profiles } from '#contracts';
import { pendingWords, type StatusWords, workerWords } from '../legacy/status-words.js';
import { instant, resultSchema, seconds } from './job-schemas.js';

function wordsOf(words: StatusWords) {
  return z.enum([...new Set(Object.values(words))] as [string, ...string[]]);
}

/** Answers under `/api/v1`. */
const transcriptionHead = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  status: wordsOf(pendingWords),
});

const transcription = transcriptionHead.extend({
  filename: z.string(),
  progress: z.number().min(0).max(100),
  message: z.string(),
  created_at: instant,
  started_at: instant.nullable(),
  completed_at: instant.nullable(),
  error: z.string().optional(),
});

/** Answers of the library. */
const card = z.strictObject({
  id: z.guid().describe('The transcript_key.'),
  job_id: z.guid(),
  title: z.string(),
  tags: z.array(z.string()),
  status: z.enum(jobStatuses),
  quality_profile: z.enum(profiles),
  created_at: instant,
  metadata: z.record(z.string(), z.unknown()),
});

/** What paths of predecessors answer; docs/api.md says how that differs from what they were. */
export const legacySchemas = {
  TranscriptionAccepted: transcriptionHead.extend({ message: z.string() }),
  Transcription: transcription.extend({
    result: resultSchema
      .pick({ text: true, language: true, duration: true, segments: true, audio_url: true })
      .optional()
      .describe('Once it is completed.'),
  }),
  TranscriptionList: z.strictObject({
    transcriptions: z.array(transcription),
    next_cursor: z.string().optional().describe('Absent on the last page.'),
  }),
  LibraryAccepted: z.strictObject({
    job_id: z.guid(),
    status: z.enum(jobStatuses),
    quality_profile: z.enum(profiles),
  }),
  LibraryList: z.strictObject({
    transcripts: z.array(card),
    next_cursor: z.string().optional().describe('Absent on the last page.'),
  }),
  LibraryTranscript: card.extend({
    language: z.string().optional(),
    duration: seconds.optional(),
    audio_url: z.string().nullable().optional(),
    segments: resultSchema.shape.segments,
  }),
  WorkerJob: z.strictObject({
    job_id: z.guid(),
    status: wordsOf(workerWords),
    percent: z.number().min(0).max(100),
    db_id: z.string().nullable(),
    error: z.string().optional(),
  }),
  WorkerStats: z.strictObject({
    queued: z.int(),
    started: z.int(),
    failed: z.int(),
    finished: z.int(),
    workers: z.int(),
  }),
};
