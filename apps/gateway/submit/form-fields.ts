import { z } from 'zod';
import { normalizeLanguage } from '#contracts';

/** Characters that no field may hold: they forge log lines, and PostgreSQL stores neither NUL nor half a surrogate pair. */
const unprintable = /[\p{Cc}\p{Cs}]/u;

/** Forms send every field, also those that were left empty: an empty text is no value. */
export function field<T extends z.ZodType>(schema: T, read: (value: unknown) => unknown = (value) => value) {
  return z.preprocess((value) => (value === '' ? undefined : read(value)), schema.optional());
}

export function text(maxLength: number) {
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a text') })
    .max(maxLength, { error: `must have at most ${maxLength} characters` })
    .refine((value) => !unprintable.test(value), { error: 'must not hold control characters' });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

export function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

export function readNumber(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : value;
}

export function readFlag(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const known: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  const lower = value.toLowerCase();
  return Object.hasOwn(known, lower) ? known[lower] : value;
}

/** A JSON array, a list with commas, or a field that was given several times. */
export function readList(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (value.trimStart().startsWith('[')) return readJson(value);
  return value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

export function readJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Left as it is: the schema says what was expected.
    return value;
  }
}

export const flag = z.boolean({ error: 'must be true or false' });

export const language = z
  .string({ error: 'must be a language tag such as en or pt-BR' })
  .max(35)
  .transform((tag, context) => {
    const normal = normalizeLanguage(tag);
    if (normal !== undefined) return normal;
    context.addIssue({ code: 'custom', message: 'must be a language tag such as en or pt-BR' });
    return z.NEVER;
  })
  .pipe(z.string());
