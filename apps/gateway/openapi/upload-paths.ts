import { operation } from './api-operation.js';
import type { Parameter, Paths } from './openapi-types.js';

const id: Parameter = { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } };

function header(name: string, required: boolean, schema: object, description: string): Parameter {
  return { name, in: 'header', required, schema, description };
}

const version = header('Tus-Resumable', true, { const: '1.0.0' }, 'The version of the protocol.');
const integer = { type: 'integer', minimum: 0 };

/** Resumable uploads: tus 1.0 with creation, creation-with-upload, termination and expiration. */
export const uploadPaths: Paths = {
  '/api/uploads': {
    options: operation({
      id: 'discoverUploads',
      tag: 'uploads',
      summary: 'What the server knows of the protocol tus, and how large an upload may be',
      ok: { 204: { description: 'Tus-Version, Tus-Extension and Tus-Max-Size.' } },
    }),
    post: operation({
      id: 'createUpload',
      tag: 'uploads',
      summary: 'Begin a resumable upload',
      parameters: [
        version,
        header('Upload-Length', true, integer, 'How many bytes the file has.'),
        header('Upload-Metadata', false, { type: 'string' }, '`filename` with its value in Base64.'),
      ],
      ok: { 201: { description: 'Location holds its address; what follows the last slash is its `upload_id`.' } },
      errors: ['invalid_request', 'precondition_failed', 'payload_too_large', 'unsupported_feature'],
    }),
  },
  '/api/uploads/{id}': {
    head: operation({
      id: 'uploadOffset',
      tag: 'uploads',
      summary: 'How much of an upload has come',
      parameters: [id, version],
      ok: { 200: { description: 'Upload-Offset and Upload-Length.' } },
      errors: ['precondition_failed', 'upload_not_found', 'upload_locked'],
    }),
    patch: {
      ...operation({
        id: 'continueUpload',
        tag: 'uploads',
        summary: 'Send bytes of an upload from where it stands',
        parameters: [id, version, header('Upload-Offset', true, integer, 'Where it stands.')],
        ok: { 204: { description: 'Upload-Offset says where it stands now, Upload-Expires how long it is kept.' } },
        errors: [
          'invalid_request',
          'precondition_failed',
          'upload_not_found',
          'upload_conflict',
          'payload_too_large',
          'upload_locked',
        ],
      }),
      requestBody: { required: true, content: { 'application/offset+octet-stream': { schema: {} } } },
    },
    delete: operation({
      id: 'terminateUpload',
      tag: 'uploads',
      summary: 'Give an upload up',
      parameters: [id, version],
      ok: { 204: { description: 'It is gone.' } },
      errors: ['precondition_failed', 'upload_not_found', 'upload_locked'],
    }),
  },
};
