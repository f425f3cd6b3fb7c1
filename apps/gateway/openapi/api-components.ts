import { type ErrorCode, errorTable, isErrorCode, PolyscribeError } from '#contracts';
import { problemOf } from '../http/problem.js';
import type { FullResponse, Header, Reference } from './openapi-types.js';

const text = { type: 'string' };
const whole = { type: 'integer', minimum: 0 };

/** Headers of answers. */
export const headers = {
  RequestId: { description: "The request's id: that of the client where it sent a sane one.", schema: text },
  RetryAfter: { description: 'Seconds after which it may be tried again.', schema: whole },
  ETag: { description: 'For `If-None-Match`, and `If-Match` where that is taken.', schema: text },
  Location: { description: 'Where what was made is found.', schema: text },
  ContentDisposition: { description: 'The name of the file, for whoever saves it.', schema: text },
  ContentRange: { description: 'Which bytes these are, and of how many.', schema: text },
  AcceptRanges: { description: 'Ranges of bytes can be asked for.', schema: { const: 'bytes' } },
  LastModified: { description: 'For `If-Range`.', schema: text },
  IdempotencyReplayed: {
    description: '`true` where the answer is that of an earlier submission under the same key.',
    schema: { type: 'string', enum: ['true'] },
  },
  TusResumable: { description: 'The version of the protocol.', schema: { const: '1.0.0' } },
  TusVersion: { description: 'The versions that are known.', schema: text },
  TusExtension: { description: 'The extensions that are known.', schema: text },
  TusMaxSize: { description: 'The most bytes that an upload may have.', schema: whole },
  UploadOffset: { description: 'Where the upload stands.', schema: whole },
  UploadLength: { description: 'How many bytes the upload is to have.', schema: whole },
  UploadExpires: { description: 'How long it is kept.', schema: text },
} as const satisfies Record<string, Header>;
export type HeaderName = keyof typeof headers;

export function headerRef(name: HeaderName): Reference {
  return { $ref: `#/components/headers/${name}` };
}

/** What the refusals with these codes, which share a status, are called in the document. */
export function refusalName(codes: readonly ErrorCode[]): string {
  return [...codes].sort().join('.');
}

/** The refusals of that name. */
export function refusal(name: string): FullResponse {
  const codes = name.split('.').filter((code) => isErrorCode(code));
  const [first] = codes;
  const status = first === undefined ? 500 : errorTable[first].httpStatus;
  const retried = status === 429 || status === 503;
  return {
    description: codes.map((code) => `${errorTable[code].title} (\`${code}\`)`).join('; '),
    headers: {
      'X-Request-Id': headerRef('RequestId'),
      ...(retried ? { 'Retry-After': headerRef('RetryAfter') } : {}),
      ...(codes.includes('unsupported_version') ? { 'Tus-Version': headerRef('TusVersion') } : {}),
      ...(codes.includes('range_not_satisfiable') ? { 'Content-Range': headerRef('ContentRange') } : {}),
    },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map((code) => [code, { value: problemExample(code) }])),
      },
    },
  };
}

/** What is said beyond the title in examples, where a client sees more than one sentence. */
const details: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'min_speakers must be a whole number from 1 to 32.',
  unknown_engine: 'The engine must be one of auto, asr, whisperx, local; GET /engines shows which are up.',
  job_not_completed: 'The job is processing: wait for it.',
  url_not_allowed: 'The URL leads to an address that may not be called.',
  payload_too_large: 'The file is larger than 500000000 bytes.',
};

export function problemExample(code: ErrorCode): object {
  const pointed = code === 'invalid_request' ? [{ pointer: '/min_speakers', detail: 'must be a whole number' }] : [];
  const error = new PolyscribeError(code, details[code] ?? `${errorTable[code].title}.`, { fields: pointed });
  return problemOf(error, 'b0f6c1c2-6f0e-4a37-9d2e-0d5a1c7e9b42');
}
