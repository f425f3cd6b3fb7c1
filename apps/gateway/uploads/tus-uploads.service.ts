import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { ERRORS, type Lock, Server } from '@tus/server';
import { type ErrorCode, PolyscribeError } from '#contracts';
import { fileTooLarge } from '#media-intake';
import type { UploadRepository, UploadRoom } from '#persistence';
import type { UploadContent } from '#uploads';
import { TusDataStore, uploadNotFound } from './tus-data-store.js';
import { UploadLocker } from './upload-lock.js';

const uploadId = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const UPLOADS_PATH = '/api/uploads';

/** A request as it came in, unread. */
export interface TusRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

export interface TusAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Resumable uploads by the protocol tus 1.0 (https://tus.io/protocols/resumable-upload). */
export class TusUploads {
  private readonly server: Server;
  private readonly failures = new WeakMap<object, unknown>();

  constructor(
    rows: UploadRepository,
    content: UploadContent,
    private readonly maxFileBytes: number,
    room: UploadRoom,
  ) {
    const store = new TusDataStore(rows, content, room);
    this.server = new Server({
      path: UPLOADS_PATH,
      datastore: store,
      locker: afterWriting(new UploadLocker(rows), store),
      maxSize: maxFileBytes,
      relativeLocation: true,
      namingFunction: () => randomUUID(),
      getFileIdFromRequest: (_request, last) => (last !== undefined && uploadId.test(last) ? last : undefined),
      onResponseError: (request, error) => {
        this.failures.set(request, error);
        return undefined;
      },
    });
  }

  /** @throws PolyscribeError for whatever is no success */
  async handle(incoming: TusRequest): Promise<TusAnswer> {
    const request = webRequest(incoming);
    const response = await this.server.handleWeb(request);
    const { status, headers } = response;
    if (status >= 400) throw this.failure(request, status, await response.text());
    const own = [...headers].filter(([name]) => !name.startsWith('access-control-') && name !== 'content-length');
    return { status, headers: Object.fromEntries(own) };
  }

  /** The library's own refusals come as a status and a text, ours as they were thrown. */
  private failure(request: object, status: number, text: string): unknown {
    const thrown = this.failures.get(request);
    if (thrown instanceof PolyscribeError) return thrown;
    if (thrown === ERRORS.ERR_MAX_SIZE_EXCEEDED) return fileTooLarge(this.maxFileBytes);
    const badHeaders = status === 400 ? headerFaults(thrown === ERRORS.INVALID_LENGTH ? 'upload-length' : text) : '';
    if (badHeaders !== '') return new PolyscribeError('invalid_request', badHeaders);
    const known = refusals[status];
    if (!known) return PolyscribeError.from(thrown);
    if (known.code === 'upload_not_found') return uploadNotFound();
    return new PolyscribeError(known.code, known.detail, { cause: thrown });
  }
}

const refusals: Readonly<Record<number, { readonly code: ErrorCode; readonly detail: string }>> = {
  400: {
    code: 'invalid_request',
    detail: 'The upload was interrupted; ask with HEAD where it stands and go on there.',
  },
  403: {
    code: 'invalid_request',
    detail: 'Upload-Offset and Content-Type: application/offset+octet-stream are needed.',
  },
  404: { code: 'upload_not_found', detail: '' },
  409: { code: 'upload_conflict', detail: 'The upload stands elsewhere; ask where with HEAD and go on there.' },
  410: { code: 'upload_not_found', detail: '' },
  413: {
    code: 'payload_too_large',
    detail:
      'More was sent than Upload-Length announced; ask with HEAD where the upload stands and send what is missing.',
  },
  501: {
    code: 'unsupported_feature',
    detail: 'Upload-Length must be known from the beginning, and uploads cannot be joined.',
  },
};

const wantedOfHeaders: Readonly<Record<string, string>> = {
  'upload-length': 'Upload-Length must be a whole number of bytes.',
  'upload-offset': 'Upload-Offset must be a whole number of bytes.',
  'upload-metadata': 'Upload-Metadata must be pairs of a key and a value in Base64, with commas between them.',
  'upload-defer-length': 'Upload-Defer-Length is not taken; send Upload-Length.',
  'upload-concat': 'Upload-Concat is not taken; uploads cannot be joined.',
  'content-type': 'Content-Type must be application/offset+octet-stream.',
};

/** What is wrong with the headers that the library names in its refusal. */
function headerFaults(text: string): string {
  const faults = text.split(/\s+/).flatMap((name) => wantedOfHeaders[name] ?? []);
  return faults.join(' ');
}

/** Locks that are given back when what came under them is safe. */
function afterWriting(locker: UploadLocker, store: TusDataStore): { newLock(id: string): Lock } {
  return {
    newLock: (id) => {
      const lock = locker.newLock(id);
      return {
        lock: (signal, release) => lock.lock(signal, release),
        unlock: async () => {
          await store.written(id);
          await lock.unlock();
        },
      };
    },
  };
}

function webRequest({ method, url, headers, body }: TusRequest): Request {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as [string, string]],
  );
  const takesBody = method === 'POST' || method === 'PATCH';
  return new Request(new URL(url, 'http://localhost'), {
    method,
    headers: entries,
    ...(takesBody ? { body: Readable.toWeb(Readable.from(untilBroken(body))) as ReadableStream, duplex: 'half' } : {}),
  });
}

/** A connection that breaks is an end like any other, so that what came before it is kept; HEAD says how much that was. */
async function* untilBroken(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch {
    return;
  }
}
