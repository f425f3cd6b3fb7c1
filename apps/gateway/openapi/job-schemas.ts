import { z } from 'zod';
import { engineKinds, jobEngines, jobStatuses } from '#contracts';

/** The shapes of what is said about jobs. */

export const instant = z.iso.datetime();
export const seconds = z.number().nonnegative();
export const acceptedSchema = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  engine: z.enum(jobEngines),
  status: z.enum(jobStatuses),
  message: z.string(),
});

const media = z.strictObject({
  bytes: z.int(),
  type: z.string().describe('As sniffed from the bytes.'),
  container: z.string().optional().describe('From here on as the headers of the file say, once they were read.'),
  duration: seconds.optional(),
  bit_rate: z.int().optional().describe('Bits per second, all tracks together.'),
  created_at: instant.optional().describe('When it was recorded, where the file says so.'),
  audio: z.strictObject({ codec: z.string(), sample_rate: z.int(), channels: z.int() }).optional(),
  video: z
    .strictObject({ codec: z.string(), width: z.int(), height: z.int(), frame_rate: z.number().optional() })
    .optional(),
});

const mediaAndOrigin = {
  media: media.optional().describe('Absent while the recording has not been fetched.'),
  reused_from: z.guid().optional().describe('The job whose transcript was taken; it may be gone by now.'),
};

export const jobSchema = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  status: z.enum(jobStatuses),
  progress: z.number().min(0).max(100),
  stage: z.string(),
  message: z.string(),
  engine: z.enum(jobEngines),
  worker_id: z.string().nullable(),
  attempts: z.int(),
  created_at: instant,
  started_at: instant.nullable(),
  completed_at: instant.nullable(),
  eta_s: z
    .int()
    .optional()
    .describe('An estimate, from the measured speed of the engine at first and then from the pace so far.'),
  stages: z.array(z.strictObject({ name: z.string(), started_at: instant, seconds: seconds.nullable() })),
  ...mediaAndOrigin,
  result: z.strictObject({ segments_count: z.int(), duration: seconds }).optional(),
  error: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      retryable: z.boolean(),
      attempts: z.array(
        z.strictObject({ engine: z.enum(engineKinds), instance: z.string(), code: z.string(), message: z.string() }),
      ),
    })
    .optional(),
});

export const jobListSchema = z.strictObject({
  jobs: z.array(jobSchema),
  next_cursor: z.string().optional().describe('Absent on the last page.'),
});

const word = z.strictObject({
  word: z.string(),
  start: seconds,
  end: seconds,
  confidence: z.number().min(0).max(1).optional(),
  speaker_tag: z.int().optional(),
  interpolated: z.boolean().optional(),
  engine: z.enum(engineKinds).optional().describe('Whose word it is, where engines voted.'),
});

const segment = z.strictObject({
  id: z.string(),
  start: seconds,
  end: seconds,
  text: z.string(),
  speaker_tag: z.int().optional().describe('From 0 in order of first speech.'),
  channel: z.int().optional(),
  confidence: z.number().min(0).max(1).optional(),
  engine: z.enum(engineKinds).optional().describe('Who wrote it, where the segments are by different engines.'),
  words: z.array(word).optional(),
});

const lane = z.strictObject({
  engine: z.enum(engineKinds),
  model: z.string(),
  language: z.string(),
  text: z.string(),
  segments: z.array(segment),
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional().describe('Why there is no text of it.'),
});

const difference = z.strictObject({
  start: seconds,
  end: seconds,
  channel: z.int().optional(),
  text: z.string().optional().describe('Where all engines agree: the words, as the first writes them.'),
  texts: z.partialRecord(z.enum(engineKinds), z.string()).optional().describe('Where they do not: the words of each.'),
});

export const resultSchema = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  status: z.literal('completed'),
  filename: z.string(),
  audio_url: z.string().nullable().describe('Works for an hour; null when the recording is no longer kept.'),
  result_file_url: z
    .string()
    .nullable()
    .optional()
    .describe('Where result_file was given: works for an hour; null for a moment, until the file is written.'),
  language: z.string(),
  duration: seconds,
  engine: z.enum(jobEngines),
  engine_used: z.enum(engineKinds),
  model: z.string(),
  fallback_reason: z.string().optional(),
  text: z.string().describe('The texts of the segments, joined by a space.'),
  segments: z.array(segment),
  speaker_roles: z
    .record(z.string(), z.enum(['provider', 'patient', 'agent', 'customer', 'interviewer', 'interviewee']))
    .optional()
    .describe('Speaker tag to role; speakers whose role is not clear are left out.'),
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  ...mediaAndOrigin,
  transcripts: z.array(lane).optional().describe('For compare and consensus: what each engine wrote.'),
  agreement: z.number().min(0).max(1).optional().describe('Mean over the pairs.'),
  pairs: z
    .array(z.strictObject({ engines: z.array(z.enum(engineKinds)), agreement: z.number().min(0).max(1) }))
    .optional()
    .describe('How far each two engines agree: words in common over words of either.'),
  diff: z.array(difference).optional().describe('Where the engines agree and where they differ.'),
  title: z.string().optional(),
  tags: z.array(z.string()).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  db_id: z.string().optional(),
  session_id: z.string().optional(),
});
