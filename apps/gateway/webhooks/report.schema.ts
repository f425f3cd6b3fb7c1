import { z } from 'zod';
import { engineKinds, type ErrorCode, errorTable } from '#contracts';
import { language, oneOf, text, wholeNumber } from '../submit/form-fields.js';

/** A day of speech, in the shortest segments that engines make. */
export const MAX_SEGMENTS = 50_000;
const MAX_WORDS = 2_000;
const MAX_SEGMENT_CHARS = 10_000;
const MAX_SPEAKER_TAG = 99;
const MAX_CHANNEL = 7;

/** Stages that only we name. */
const ownStages: readonly string[] = ['queued', 'offered', 'completed', 'failed', 'cancelled'];
const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

const uuid = z.guid({ error: 'must be a UUID' });
const secondsError = 'must be seconds from the start of the audio';
const seconds = z.number({ error: secondsError }).min(0, { error: secondsError });
const confidence = z
  .number({ error: 'must be from 0 to 1' })
  .min(0, { error: 'must be from 0 to 1' })
  .max(1, { error: 'must be from 0 to 1' });

/** Text as engines give it, in one line. */
function spoken(maxLength: number) {
  return z
    .string({ error: 'must be a text' })
    .max(maxLength, { error: `must have at most ${String(maxLength)} characters` })
    .transform((value) => value.replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ').trim())
    .refine((value) => value !== '', { error: 'must not be empty' });
}

const wordSchema = z.strictObject({
  word: spoken(200),
  start: seconds,
  end: seconds,
  confidence: confidence.optional(),
  speaker_tag: wholeNumber(0, MAX_SPEAKER_TAG).optional(),
  interpolated: z.boolean().optional().describe('Whether its times were guessed from its neighbours.'),
});

/** A segment as a remote worker sends it. */
export const reportedSegmentSchema = z.strictObject(
  {
    start: seconds,
    end: seconds,
    text: spoken(MAX_SEGMENT_CHARS),
    speaker_tag: wholeNumber(0, MAX_SPEAKER_TAG).optional(),
    channel: wholeNumber(0, MAX_CHANNEL).optional().describe('Only where separate_channels was asked for.'),
    confidence: confidence.optional(),
    words: z
      .array(wordSchema)
      .max(MAX_WORDS, { error: `must have at most ${String(MAX_WORDS)} entries` })
      .optional(),
  },
  { error: 'must be a segment' },
);
export type ReportedSegment = z.output<typeof reportedSegmentSchema>;

const warning = z.strictObject({ code: text(64), message: text(1_000) });

/** In every report. */
const common = {
  job_id: uuid,
  offer_id: uuid.describe('That of the job.offered message.'),
  worker_id: text(100)
    .min(1, { error: 'must not be empty' })
    .describe('What the worker calls itself; one name for one running worker.'),
  sequence: wholeNumber(1, 1_000_000_000).describe('Rises with every report of the worker on the job.'),
};

function reportOf<Type extends string, Data extends z.ZodRawShape>(type: Type, data: Data) {
  return z.strictObject(
    {
      type: z.literal(type),
      timestamp: text(40).optional().describe('ISO 8601: when it happened. For people.'),
      data: z.strictObject({ ...common, ...data }, { error: 'must be an object' }),
    },
    { error: 'must be a JSON object' },
  );
}

/** Its segments are whatever `segment` says: to judge many at once would hold up all else. */
function reportWith<Segment extends z.ZodType>(segment: Segment) {
  const segments = z
    .array(segment, { error: 'must be a list of segments' })
    .max(MAX_SEGMENTS, { error: `must have at most ${String(MAX_SEGMENTS)} entries`, abort: true });
  return z.discriminatedUnion(
    'type',
    [
      reportOf('transcription.started', {}),
      reportOf('transcription.progress', {
        progress: z
          .number({ error: 'must be from 0 to 100' })
          .min(0, { error: 'must be from 0 to 100' })
          .max(100, { error: 'must be from 0 to 100' })
          .optional(),
        stage: z
          .string({ error: 'must be a text' })
          .regex(/^[a-z][a-z_]{0,31}$/, { error: 'must be small letters and _, at most 32' })
          .refine((stage) => !ownStages.includes(stage), { error: 'is a stage that only the mesh names' })
          .optional(),
        message: text(200).optional().describe('For people.'),
        segments: segments.optional().describe('Final segments since the last report; the end repeats them all.'),
      }),
      reportOf('transcription.completed', {
        segments: segments.describe('All of them, in order of time; silence has none.'),
        language,
        model: text(200).describe('What it ran.'),
        engine: oneOf(engineKinds)
          .optional()
          .describe('The kind that it ran; left out, the one asked for, or whisperx.'),
        warnings: z.array(warning).max(20, { error: 'must have at most 20 entries' }).optional(),
      }),
      reportOf('transcription.failed', {
        code: oneOf(errorCodes).optional().describe('Left out, internal.'),
        message: text(1_000).describe('What went wrong, without any of the text.'),
        retryable: z.boolean({ error: 'must be true or false' }).optional().describe('Left out, as the code says.'),
      }),
    ],
    { error: 'must be an object with one of the four types of reports' },
  );
}

/** Reports with their segments still unread. */
export const reportSchema = reportWith(z.unknown());
/** Reports as they are documented. */
export const documentedReportSchema = reportWith(reportedSegmentSchema);

export type Report = z.output<typeof reportSchema>;
export type ReportOf<Type extends Report['type']> = Extract<
  Report,
  { type: `transcription.${string}` } & { type: Type }
>;

/** What a report is answered with. */
export const reportAnswerSchema = z.strictObject({
  job_id: z.string(),
  sequence: z.int(),
  applied: z.boolean().describe('false for a report that has had its effect before, or comes after a newer one.'),
});
export type ReportAnswer = z.output<typeof reportAnswerSchema>;
