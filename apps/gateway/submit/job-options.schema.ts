import { z } from 'zod';
import { engineChoices, normalizeLanguage, profiles, tasks, unsupportedPolicies } from '#contracts';
import { isPlainJson } from './plain-json.js';

/** Characters that no field may hold: they forge log lines, and PostgreSQL stores neither NUL nor half a surrogate pair. */
const unprintable = /[\p{Cc}\p{Cs}]/u;

const MAX_METADATA_BYTES = 16_384;
const MAX_SPEAKERS = 32;

/** Forms send every field, also those that were left empty: an empty text is no value. */
function field<T extends z.ZodType>(schema: T, read: (value: unknown) => unknown = (value) => value) {
  return z.preprocess((value) => (value === '' ? undefined : read(value)), schema.optional());
}

function text(maxLength: number) {
  return z
    .string({ error: 'must be a text' })
    .max(maxLength, { error: `must have at most ${maxLength} characters` })
    .refine((value) => !unprintable.test(value), { error: 'must not hold control characters' });
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

function readNumber(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value;
}

function readFlag(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const known: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  const lower = value.toLowerCase();
  return Object.hasOwn(known, lower) ? known[lower] : value;
}

/** A JSON array, a list with commas, or a field that was given several times. */
function readList(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (value.trimStart().startsWith('[')) return readJson(value);
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function readJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Left as it is: the schema says what was expected.
    return value;
  }
}

const flag = z.boolean({ error: 'must be true or false' });

const language = z
  .string({ error: 'must be a language tag such as en or pt-BR' })
  .max(35)
  .transform((tag, context) => {
    const normal = normalizeLanguage(tag);
    if (normal !== undefined) return normal;
    context.addIssue({ code: 'custom', message: 'must be a language tag such as en or pt-BR' });
    return z.NEVER;
  })
  .pipe(z.string());

const metadata = z.custom<Record<string, unknown>>(
  (value) => isPlainJson(value) && Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES,
  {
    error: `must be a JSON object of at most ${MAX_METADATA_BYTES} bytes, nested at most 16 deep, without NUL or broken characters`,
  },
);

/**
 * The options of a submission as they come in: text from a form, typed from gRPC. What every field means stands in
 * `JobOptions`; every text and list has a bound.
 */
export const jobOptionsSchema = z
  .strictObject({
    engine: field(oneOf(engineChoices)).describe('Which engine is to serve; auto lets the mesh choose.'),
    language: field(language).describe('BCP-47 tag; left out, the language is detected where an engine can.'),
    model: field(text(200)).describe('A model of the engine; left out, its default.'),
    session_id: field(z.guid({ error: 'must be a UUID' })).describe('Groups jobs; echoed.'),
    enable_diarization: field(flag, readFlag).describe('Ask for speaker tags.'),
    min_speakers: field(wholeNumber(1, MAX_SPEAKERS), readNumber).describe('Implies enable_diarization.'),
    max_speakers: field(wholeNumber(1, MAX_SPEAKERS), readNumber).describe('Implies enable_diarization.'),
    word_timestamps: field(flag, readFlag).describe('Ask for the time of each word.'),
    separate_channels: field(flag, readFlag).describe('Transcribe each channel by itself.'),
    task: field(oneOf(tasks)).describe('translate gives English text.'),
    profile: field(oneOf(profiles)).describe('How to weigh speed against precision.'),
    on_unsupported: field(oneOf(unsupportedPolicies)).describe(
      'What happens with a feature that the engine lacks: an error, or a warning in the result.',
    ),
    allow_fallback: field(flag, readFlag).describe('Let another engine serve when the named one cannot.'),
    priority: field(wholeNumber(0, 9), readNumber).describe('9 first.'),
    title: field(text(300)).describe('For people.'),
    tags: field(z.array(text(64).min(1)).max(32, { error: 'must have at most 32 entries' }), readList).describe(
      'For people: a JSON array, a list with commas, or the field given several times.',
    ),
    db_id: field(text(200)).describe("The caller's own id; echoed."),
    metadata: field(metadata, readJson).describe('A JSON object; echoed.'),
  })
  .superRefine((options, context) => {
    const { min_speakers: min, max_speakers: max, enable_diarization: diarization } = options;
    if (min !== undefined && max !== undefined && min > max) {
      context.addIssue({ code: 'custom', path: ['min_speakers'], message: 'must not be more than max_speakers' });
    }
    if (diarization === false && (min !== undefined || max !== undefined)) {
      const message = 'must not be false where min_speakers or max_speakers is given';
      context.addIssue({ code: 'custom', path: ['enable_diarization'], message });
    }
  });

export type SubmitOptions = z.output<typeof jobOptionsSchema>;
export const optionNames = Object.keys(jobOptionsSchema.shape);
