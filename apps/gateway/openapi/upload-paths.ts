import { answer, header, idIn, operation } from './api-operation.js';
import type { Content, Paths } from './openapi-types.js';

const id = idIn('id');
const integer = { type: 'integer', minimum: 0 };
const version = header('Tus-Resumable', { const: '1.0.0' }, 'The version of the protocol.', true);
const pieces: Content = { 'application/offset+octet-stream': { schema: {} } };
const spoken = { 'Tus-Resumable': 'TusResumable' } as const;
const standing = { ...spoken, 'Upload-Offset': 'UploadOffset', 'Upload-Expires': 'UploadExpires' } as const;

/** Resumable uploads: tus 1.0 with creation, creation-with-upload, termination and expiration. */
export const uploadPaths: Paths = {
  '/api/uploads': {
    options: operation({
      id: 'discoverUploads',
      tag: 'uploads',
      summary: 'What the server knows of the protocol tus, and how large an upload may be',
      ok: {
        204: answer('What it knows.', {
          ...spoken,
          'Tus-Version': 'TusVersion',
          'Tus-Extension': 'TusExtension',
          'Tus-Max-Size': 'TusMaxSize',
        }),
      },
    }),
    post: {
      ...operation({
        id: 'createUpload',
        tag: 'uploads',
        summary: 'Begin a resumable upload',
        description: 'The first bytes may come along.',
        parameters: [
          version,
          header('Upload-Length', integer, 'How many bytes the file has.', true),
          header('Upload-Metadata', { type: 'string' }, '`filename` with its value in Base64.'),
        ],
        ok: {
          201: answer('What follows the last slash of its address is its `upload_id`.', {
            ...standing,
            Location: 'Location',
          }),
        },
        errors: [
          'unsupported_version',
          'payload_too_large',
          'unsupported_feature',
          'upload_conflict',
          'upload_locked',
          'rate_limited',
        ],
      }),
      requestBody: { required: false, content: pieces },
    },
  },
  '/api/uploads/{id}': {
    head: operation({
      id: 'uploadOffset',
      tag: 'uploads',
      summary: 'How much of an upload has come',
      parameters: [id, version],
      ok: { 200: answer('Where it stands.', { ...standing, 'Upload-Length': 'UploadLength' }) },
      errors: ['unsupported_version', 'upload_not_found', 'upload_locked'],
    }),
    patch: operation({
      id: 'continueUpload',
      tag: 'uploads',
      summary: 'Send bytes of an upload from where it stands',
      parameters: [id, version, header('Upload-Offset', integer, 'Where it stands.', true)],
      body: pieces,
      ok: { 204: answer('Where it stands now, and how long it is kept.', standing) },
      errors: ['unsupported_version', 'upload_not_found', 'upload_conflict', 'payload_too_large', 'upload_locked'],
    }),
    delete: operation({
      id: 'terminateUpload',
      tag: 'uploads',
      summary: 'Give an upload up',
      parameters: [id, version],
      ok: { 204: answer('It is gone.', spoken) },
      errors: ['unsupported_version', 'upload_not_found', 'upload_locked'],
    }),
  },
};
