import { z } from 'zod';

/** The body of a request is smaller; longer transcripts go by their ids. */
const MAX_TEXT = 400_000;

const text = z
  .string({ error: 'must be a text' })
  .max(MAX_TEXT, { error: `must have at most ${MAX_TEXT} characters` })
  .optional();
const id = z.guid({ error: 'must be a UUID' }).optional();
const flag = z.boolean({ error: 'must be true or false' }).default(true);

/** Two texts to be compared, each given or named. */
export const evaluationSchema = z
  .strictObject(
    {
      reference: text.describe('What was said.'),
      reference_transcript_id: id.describe('A transcript of ours instead of reference.'),
      hypothesis: text.describe('What was written.'),
      hypothesis_transcript_id: id.describe('A transcript of ours instead of hypothesis.'),
      ignore_case: flag.describe('Upper and lower case count as the same.'),
      ignore_punctuation: flag.describe('Punctuation does not count, and a hyphen parts two words.'),
    },
    { error: 'must be a JSON object' },
  )
  .superRefine((evaluation, context) => {
    for (const side of ['reference', 'hypothesis'] as const) {
      const named = `${side}_transcript_id` as const;
      if ((evaluation[side] === undefined) !== (evaluation[named] === undefined)) continue;
      const message =
        evaluation[side] === undefined ? `must be given, or ${named}` : `must not be given beside ${named}`;
      context.addIssue({ code: 'custom', path: [side], message });
    }
  });
export type EvaluationRequest = z.output<typeof evaluationSchema>;
export const evaluationFields = Object.keys(evaluationSchema.shape);
