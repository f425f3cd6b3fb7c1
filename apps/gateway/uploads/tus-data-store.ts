import type { Readable } from 'node:stream';
import { DataStore, Upload } from '@tus/server';
import { PolyscribeError } from '#contracts';
import { cleanFileName } from '#media-intake';
import { UPLOAD_TTL_MS, type UploadMetadata, type UploadRepository, type UploadRoom } from '#persistence';
import type { UploadContent } from '#uploads';

/** What the protocol's server works on: rows for where uploads stand, the object store for their bytes. */
export class TusDataStore extends DataStore {
  /** Uploads that are being written: a lock is not given back before what came is safe. */
  private readonly writing = new Map<string, Promise<unknown>>();

  constructor(
    private readonly rows: UploadRepository,
    private readonly content: UploadContent,
    private readonly room: UploadRoom,
  ) {
    super();
    this.extensions = ['creation', 'creation-with-upload', 'termination', 'expiration'];
  }

  override async create(upload: Upload): Promise<Upload> {
    const { id, size, metadata = {} } = upload;
    if (size === undefined) throw new PolyscribeError('invalid_request', 'Upload-Length is missing.');
    await this.rows.create({ id, bytes: size, metadata: withCleanName(boundedMetadata(metadata)) }, this.room);
    upload.creation_date = new Date().toISOString();
    return upload;
  }

  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const writing = this.content.receive(id, offset, source);
    const settled = writing.catch(() => undefined);
    this.writing.set(id, settled);
    try {
      return await writing;
    } finally {
      if (this.writing.get(id) === settled) this.writing.delete(id);
    }
  }

  override async getUpload(id: string): Promise<Upload> {
    const upload = await this.rows.find(id);
    if (!upload || upload.used) throw uploadNotFound();
    return new Upload({
      id,
      size: upload.bytes,
      offset: upload.received,
      metadata: upload.metadata,
      // The library counts the time from here on; with every piece there is more of it.
      creation_date: new Date(upload.expiresAt.getTime() - UPLOAD_TTL_MS).toISOString(),
    });
  }

  override async remove(id: string): Promise<void> {
    await this.getUpload(id);
    await this.content.clear(id);
  }

  override getExpiration(): number {
    return UPLOAD_TTL_MS;
  }

  /** Resolves when nobody writes to the upload any more. */
  async written(id: string): Promise<void> {
    await this.writing.get(id);
  }
}

const MAX_METADATA_BYTES = 8_192;

/** With the name as it is to be shown: for what the database cannot hold it would put a sign of its own. */
function withCleanName(metadata: UploadMetadata): UploadMetadata {
  const { filename } = metadata;
  return typeof filename === 'string' ? { ...metadata, filename: cleanFileName(filename) } : metadata;
}

function boundedMetadata(metadata: Record<string, string | null>): UploadMetadata {
  if (Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA_BYTES) return metadata;
  throw new PolyscribeError('invalid_request', `Upload-Metadata is longer than ${MAX_METADATA_BYTES} bytes.`);
}

export function uploadNotFound(): PolyscribeError {
  return new PolyscribeError(
    'upload_not_found',
    'There is no such upload, or its time has run out; upload the recording again.',
  );
}
