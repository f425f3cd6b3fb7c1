import { createHash } from 'node:crypto';
import type { JobOptions } from '#contracts';

/** Options that say whose the job is and when it runs. Whatever else there is counts, so that a new option is never missed. */
const beside = [
  'sessionId',
  'title',
  'tags',
  'dbId',
  'metadata',
  'callback',
  'priority',
  'reuse',
  'resultFile',
] as const satisfies readonly (keyof JobOptions)[];

/** Lower-case hex; the same for options that ask for the same text, in whatever order their members stand. */
export function digestOf(options: JobOptions): string {
  const deciding = Object.entries({ ...options, context: options.context && { ...options.context, id: undefined } });
  const kept = Object.fromEntries(deciding.filter(([name]) => !(beside as readonly string[]).includes(name)));
  return createHash('sha256')
    .update(JSON.stringify(kept, (_name, value: unknown) => inOrder(value)))
    .digest('hex');
}

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
