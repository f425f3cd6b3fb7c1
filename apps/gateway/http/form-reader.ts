import type { FastifyRequest } from 'fastify';
import { PolyscribeError } from '#contracts';
import { invalid } from '../submit/field-errors.js';
import type { SubmissionPart } from '../submit/submission-part.js';

/**
 * The parts of a multipart form as they come in. Nothing is held but the fields, which are bounded in size and number.
 *
 * @throws PolyscribeError `invalid_request`, `cancelled` when the client goes away
 */
export async function* readForm(request: FastifyRequest): AsyncGenerator<SubmissionPart> {
  try {
    for await (const part of request.parts()) {
      if (part.type === 'file') {
        yield { type: 'file', name: part.fieldname, filename: part.filename, content: part.file };
        continue;
      }
      // A part without a name comes as undefined, whatever the type says.
      const given: unknown = part.fieldname;
      const name = typeof given === 'string' ? given : '';
      if (part.valueTruncated) throw invalid([{ pointer: `/${name.slice(0, 100)}`, detail: 'is too long' }]);
      yield { type: 'field', name, value: part.value };
    }
  } catch (error) {
    throw formError(error);
  }
}

/**
 * The fields of a submission without a file: a JSON object, or a form that is no multipart form.
 *
 * @throws PolyscribeError `invalid_request`
 */
export async function* readFields(body: unknown): AsyncGenerator<SubmissionPart> {
  await Promise.resolve();
  const entries = body instanceof URLSearchParams ? [...body] : jsonEntries(body);
  for (const [name, value] of entries) yield { type: 'field', name, value };
}

function jsonEntries(body: unknown): [string, unknown][] {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return Object.entries(body);
  throw new PolyscribeError(
    'invalid_request',
    'Send multipart/form-data with the recording in the field file, or a JSON object with its url.',
    { fields: [{ pointer: '/file', detail: 'is missing; send the recording as a file field, or url' }] },
  );
}

const sentences: Readonly<Record<string, string>> = {
  FST_PARTS_LIMIT: 'The form has too many parts.',
  FST_FILES_LIMIT: 'The form has more than one file; send one file for each job.',
  FST_FIELDS_LIMIT: 'The form has too many fields.',
  FST_PROTO_VIOLATION: 'The form has a field with a name that is not allowed.',
  FST_INVALID_JSON_FIELD_ERROR: 'A field says that it is JSON and is not.',
};

function formError(error: unknown): unknown {
  if (error instanceof PolyscribeError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'FST_MP_PREMATURE_CLOSE') {
    return new PolyscribeError('cancelled', 'The client went away during the upload.', { cause: error });
  }
  const sentence = sentences[code] ?? 'The multipart form is malformed or breaks off; check its boundary and its end.';
  return new PolyscribeError('invalid_request', sentence, { cause: error });
}
