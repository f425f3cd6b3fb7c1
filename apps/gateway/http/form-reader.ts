import type { IncomingMessage } from 'node:http';
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
    for await (const part of withoutStrays(request.raw, request.parts())) {
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

/** A field of the longest value, the longest head of a part, and what comes in one piece from the network. */
const MOST_STRAY_BYTES = 524_288;

/** A body that stands still between two looks so far apart, though nobody has a part to read, stands still for good. */
const LOOK_MS = 500;

/**
 * The parts, as long as what comes belongs to one. The library that reads forms passes over parts that it cannot make
 * sense of, and over what is too much of a field: without this, a client would send all of a file for nothing.
 *
 * @throws PolyscribeError `invalid_request`
 */
async function* withoutStrays<T>(body: IncomingMessage, parts: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = parts[Symbol.asyncIterator]();
  try {
    for (;;) {
      // The first call lets the library listen: whoever listened before it would take its data away.
      const part = await beforeStrays(body, iterator.next());
      if (part.done === true) return;
      yield part.value;
    }
  } finally {
    // Not waited for: it ends when the connection does.
    void iterator.return?.(undefined).catch(() => undefined);
  }
}

async function beforeStrays<T>(body: IncomingMessage, part: Promise<T>): Promise<T> {
  let bytes = 0;
  let onData: (chunk: Buffer) => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const strays = new Promise<never>((_resolve, reject) => {
    const refuse = () => reject(new PolyscribeError('invalid_request', STRAYS));
    onData = (chunk) => {
      bytes += chunk.length;
      if (bytes > MOST_STRAY_BYTES) refuse();
    };
    // The library holds the body up until a part is read, also one that it has passed over and gives to nobody.
    let heldUpAt: number | undefined;
    timer = setInterval(() => {
      if (body.isPaused() && bytes === heldUpAt) refuse();
      heldUpAt = body.isPaused() ? bytes : undefined;
    }, LOOK_MS);
  });
  body.on('data', onData);
  try {
    return await Promise.race([part, strays]);
  } finally {
    body.off('data', onData);
    clearInterval(timer);
  }
}

const STRAYS =
  'A part of the form is too long or cannot be read: each needs a Content-Disposition with a name, file names must not hold line breaks, and only the recording may be long.';

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
