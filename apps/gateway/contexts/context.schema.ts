import { z } from 'zod';
import { field, language, text } from '../submit/form-fields.js';

/** Engines slow down with long lists long before that. */
export const MAX_TERMS = 500;
const MAX_PHRASE_LENGTH = 100;
/** Covers the scales of all engines: they differ, and negative ones discourage a phrase. */
const MAX_BOOST = 100;

const boostError = `must be a number from -${MAX_BOOST} to ${MAX_BOOST}`;

const term = z.strictObject(
  {
    phrase: text(MAX_PHRASE_LENGTH)
      .transform(tidy)
      .pipe(
        z
          .string()
          .min(1, { error: 'must not be empty' })
          .max(MAX_PHRASE_LENGTH, { error: `must have at most ${MAX_PHRASE_LENGTH} characters` }),
      )
      .describe('The words as they should come out.'),
    boost: z
      .number({ error: boostError })
      .min(-MAX_BOOST, { error: boostError })
      .max(MAX_BOOST, { error: boostError })
      .optional()
      .describe("How strongly to favour it, in the engine's own scale; left out, the engine's default."),
  },
  { error: 'must be an object with phrase and, where wanted, boost' },
);

/** What a client says of a context. */
export const contextSchema = z.strictObject(
  {
    name: text(200)
      .transform(tidy)
      .pipe(z.string().min(1, { error: 'must not be empty' }))
      .describe('For people.'),
    language: field(language).describe('Language of the phrases; left out, any.'),
    terms: z
      .array(term, { error: 'must be a list of terms' })
      .min(1, { error: 'must have at least one entry' })
      .max(MAX_TERMS, { error: `must have at most ${MAX_TERMS} entries` })
      .superRefine(refuseRepeats),
  },
  { error: 'must be a JSON object' },
);
export type ContextFields = z.output<typeof contextSchema>;
export const contextFieldNames = Object.keys(contextSchema.shape);

/** One way to write each phrase: composed characters, single spaces, none at the ends. */
function tidy(value: string): string {
  return value.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** A phrase with two boosts would mean whichever the engine reads last. */
function refuseRepeats(terms: readonly { readonly phrase: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { phrase }] of terms.entries()) {
    if (seen.has(phrase)) {
      context.addIssue({ code: 'custom', path: [index, 'phrase'], message: 'is given more than once' });
    }
    seen.add(phrase);
  }
}
