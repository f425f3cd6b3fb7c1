import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Lock, Server } from '@tus/server';
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
    const { status, headers } = await this.server.handleWeb(request);
    if (status >= 400) throw this.failure(request, status);
    const own = [...headers].filter(([name]) => !name.startsWith('access-control-') && name !== 'content-length');
    return { status, headers: Object.fromEntries(own) };
  }

  /** The library's own refusals come as a status and a text, ours as they were thrown. */
  private failure(request: object, status: number): unknown {
    const thrown = this.failures.get(request);
    if (thrown instanceof PolyscribeError) return thrown;
    if (status === 413) return fileTooLarge(this.maxFileBytes);
    const known = refusals[status];
    if (!known) return PolyscribeError.from(thrown);
    if (known.code === 'upload_not_found') return uploadNotFound();
    return new PolyscribeError(known.code, known.detail, { cause: thrown });
  }
}

const refusals: Readonly<Record<number, { readonly code: ErrorCode; readonly detail: string }>> = {
  400: {
    code: 'invalid_request',
    detail: 'The upload was interrupted, or a header of it is missing or not as tus 1.0 has it.',
  },
  403: {
    code: 'invalid_request',
    detail: 'Upload-Offset and Content-Type: application/offset+octet-stream are needed.',
  },
  404: { code: 'upload_not_found', detail: '' },
  409: { code: 'upload_conflict', detail: 'The upload stands elsewhere; ask where with HEAD and go on there.' },
  410: { code: 'upload_not_found', detail: '' },
  412: { code: 'precondition_failed', detail: 'The header Tus-Resumable: 1.0.0 is missing.' },
  501: {
    code: 'unsupported_feature',
    detail: 'Upload-Length must be known from the beginning, and uploads cannot be joined.',
  },
};

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
