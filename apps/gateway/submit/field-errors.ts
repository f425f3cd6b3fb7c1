import type { z } from 'zod';
import { type FieldError, PolyscribeError } from '#contracts';

/** What zod found, as JSON pointers with a sentence; what the client sent is not repeated. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[], known: readonly string[]): FieldError[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          pointer: pointerTo([...issue.path, key]),
          detail:
            issue.path.length > 0
              ? 'is not known here'
              : `is not a field of this request; known are ${known.join(', ')}`,
        }))
      : [{ pointer: pointerTo(issue.path), detail: issue.message }],
  );
}

function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** At most that many faults are listed: a request can hold any number of them. */
const MAX_FIELD_ERRORS = 20;

export function invalid(fields: readonly FieldError[]): PolyscribeError {
  const listed = fields.slice(0, MAX_FIELD_ERRORS);
  const [first] = listed;
  const message =
    first === undefined ? 'The request is not valid.' : `${first.pointer.slice(1) || 'The body'} ${first.detail}.`;
  return new PolyscribeError('invalid_request', message, { fields: listed });
}
