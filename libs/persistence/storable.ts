/**
 * What PostgreSQL cannot hold in text and jsonb: the character 0, and halves of a surrogate pair. File names, metadata and
 * engine texts come from outside and may have either.
 */
const unstorable = /\u0000|\p{Surrogate}/gu;
const REPLACEMENT = '\uFFFD';

export function storableText(text: string): string {
  return text.replace(unstorable, REPLACEMENT);
}

/** A JSON value as text for a jsonb parameter, with every string in it storable. */
export function storableJson(value: unknown): string {
  return JSON.stringify(cleaned(value));
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [storableText(key), cleaned(each)]));
}
