import type { SubmissionPart } from '../submit/submission-part.js';

/** What becomes of a field of a predecessor: another name and value, or nothing. */
export type FieldRule = (value: unknown) => { readonly name: string; readonly value: unknown } | undefined;

/** The predecessor's names that differ from ours; all others are passed on as they are. */
export type FieldRules = Readonly<Record<string, FieldRule>>;

export function renamed(name: string): FieldRule {
  return (value) => ({ name, value });
}

/** Predecessors write that the language is to be detected; here it is left out. */
export const languageOrAuto: FieldRule = (value) =>
  value === 'auto' || value === null ? undefined : { name: 'language', value };

/**
 * A submission in a predecessor's names as one in ours; files pass through untouched. Their clients know nothing of engines
 * that lack a feature: unless they say otherwise, it is left out with a warning in the result.
 */
export function translated(
  rules: FieldRules,
): (parts: AsyncIterable<SubmissionPart>) => AsyncGenerator<SubmissionPart> {
  return async function* (parts) {
    let saysWhatThen = false;
    for await (const part of parts) {
      saysWhatThen ||= part.name === 'on_unsupported';
      const rule = part.type === 'field' && Object.hasOwn(rules, part.name) ? rules[part.name] : undefined;
      if (part.type === 'file' || !rule) {
        yield part;
        continue;
      }
      const field = rule(part.value);
      if (field) yield { type: 'field', ...field };
    }
    if (!saysWhatThen) yield { type: 'field', name: 'on_unsupported', value: 'warn' };
  };
}
