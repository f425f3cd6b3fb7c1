import { formatTable } from '#formats';
import { downloadQuery } from '../http/download-query.js';
import { answer, header, idIn, operation, query, queryOf, schemaRef } from './api-operation.js';
import { ifNoneMatch, unchanged } from './job-paths.js';
import type { Content, Paths } from './openapi-types.js';

const files: Content = Object.fromEntries(
  Object.entries(formatTable).map(([format, { mediaType }]) => [
    mediaType.replace(/;.*$/, ''),
    { schema: format === 'json' ? schemaRef('Result') : { type: 'string' } },
  ]),
);

/** A transcript as a file, or 304. */
export const fileAnswers = {
  200: answer('The file.', { 'Content-Disposition': 'ContentDisposition', ETag: 'ETag' }, files),
  ...unchanged,
};
export const fileParameters = [...queryOf(downloadQuery), ifNoneMatch];

const mediaHeaders = {
  'Accept-Ranges': 'AcceptRanges',
  'Content-Disposition': 'ContentDisposition',
  'Last-Modified': 'LastModified',
  ETag: 'ETag',
} as const;
const bytes: Content = {
  ...Object.fromEntries(['audio/*', 'video/*', 'application/octet-stream'].map((type) => [type, { schema: {} }])),
  ...files,
};

/** Files of transcripts, their erasure, and recordings. */
export const transcriptPaths: Paths = {
  '/api/transcripts/{id}/download': {
    get: operation({
      id: 'downloadTranscript',
      tag: 'transcripts',
      summary: 'A transcript as a file',
      parameters: [idIn('id'), ...fileParameters],
      ok: fileAnswers,
      errors: ['transcript_not_found', 'job_not_completed'],
    }),
  },
  '/api/transcripts/{id}': {
    delete: operation({
      id: 'eraseTranscript',
      tag: 'transcripts',
      summary: 'Erase a transcript, its job, its recording and everything else that is kept of them',
      description:
        'A job that has not ended is cancelled first. Once asked for, an erasure is finished whatever happens; afterwards every route answers 404.',
      parameters: [idIn('id')],
      ok: {
        204: answer('Nothing is left.'),
        202: answer('The text is gone; what lies in a part that is away at the moment is removed later.'),
      },
      errors: ['transcript_not_found'],
    }),
  },
  '/api/media/{key}': {
    get: operation({
      id: 'readMedia',
      tag: 'transcripts',
      summary: 'A recording, or the file of a transcript, by the link that the result holds',
      description: 'The key holds slashes; take the link as it is.',
      parameters: [
        { name: 'key', in: 'path', required: true, schema: { type: 'string' }, description: 'From the link.' },
        query('expires', { type: 'string' }, 'From the link.'),
        query('filename', { type: 'string' }, 'From the link.'),
        query('signature', { type: 'string' }, 'From the link.'),
        header('Range', { type: 'string' }, 'The bytes that are wanted; one range.'),
        header('If-Range', { type: 'string' }, 'The object of which the client has the beginning.'),
        ifNoneMatch,
      ],
      ok: {
        ...unchanged,
        200: answer('All of it.', mediaHeaders, bytes),
        206: answer('The range that was asked for.', { ...mediaHeaders, 'Content-Range': 'ContentRange' }, bytes),
      },
      errors: ['not_found', 'range_not_satisfiable'],
    }),
  },
};
