/** Deeper nesting is nobody's metadata, and recursion over it would be a way to exhaust the stack. */
const MAX_DEPTH = 16;

/** Whether the value is a JSON object that PostgreSQL can store: bounded depth, no NUL, no half surrogate pair. */
export function isPlainJson(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isStorable(value, 1);
}

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return !/[\0\p{Cs}]/u.test(value);
  if (typeof value !== 'object' || value === null) return value !== undefined;
  if (depth > MAX_DEPTH) return false;
  return Object.entries(value).every(([key, inner]) => isStorable(key, depth) && isStorable(inner, depth + 1));
}
