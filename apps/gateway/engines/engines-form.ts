import { z } from 'zod';

/** The forms in which `/engines` is served. */
export const enginesForms = ['text', 'json', 'html'] as const;
export type EnginesForm = (typeof enginesForms)[number];

export const enginesQuerySchema = z.strictObject({
  format: z
    .enum(enginesForms, { error: `must be one of ${enginesForms.join(', ')}` })
    .optional()
    .describe('Instead of what `Accept` prefers.'),
});

/** What a media range of `Accept` asks for; where it leaves the choice, a terminal is served. */
const formOf: Readonly<Record<string, EnginesForm>> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'application/json': 'json',
  'application/*': 'json',
  'text/plain': 'text',
  'text/*': 'text',
  '*/*': 'text',
};

/** A longer header is not read to its end. */
const MAX_RANGES = 50;

/**
 * The form that `Accept` prefers (RFC 9110, 12.5.1): by weight, then by the order in which it is written. Text where it
 * names none of ours or is absent: the answer says what it is.
 */
export function preferredForm(accept: string | undefined): EnginesForm {
  const ranges = (accept ?? '').split(',', MAX_RANGES).map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { form: formOf[type], weight: weight === undefined ? 1 : Number(weight) };
  });
  const wanted = ranges.filter(({ form, weight }) => form !== undefined && weight > 0);
  return wanted.sort((a, b) => b.weight - a.weight)[0]?.form ?? 'text';
}
