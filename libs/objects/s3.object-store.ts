import { open } from 'node:fs/promises';
import { PassThrough, type Readable, pipeline } from 'node:stream';
import { pipeline as whenDone } from 'node:stream/promises';
import type { Client } from 'minio';
import { PolyscribeError } from '#contracts';
import type { Logger } from '#telemetry';
import { attachmentNamed } from './content-disposition.js';
import { asStoreError } from './file-errors.js';
import { linkTimes } from './link-times.js';
import { partsOfKey, partsOfPrefix } from './object-key.js';
import { type LocalCopy, ObjectStore, type StoredObject } from './object-store.port.js';
import { prepareBucket, sweepUploads } from './s3-bucket.js';
import { S3Calls } from './s3-calls.js';
import { createS3Client, serverAt } from './s3-client.js';
import { asS3Error } from './s3-errors.js';
import { S3Transport } from './s3-transport.js';
import { uploadStream } from './s3-upload.js';
import { ScratchFolder } from './scratch-folder.js';

/** Signature version 4 allows no longer links. */
const MAX_LINK_MS = 7 * 86_400_000;
const PAGE_SIZE = 1000;

export interface S3ObjectStoreOptions {
  /** host:port */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  readonly tls: boolean;
  /** undefined asks the server. */
  readonly region: string | undefined;
  readonly pathStyle: boolean;
  /** Where clients reach the server, for links; undefined means the endpoint. */
  readonly publicUrl: string | undefined;
  /** Absolute; local copies lie there. */
  readonly scratchFolder: string;
  readonly logger: Logger;
  /** How long the server may take to answer; a minute unless told otherwise. */
  readonly answerMs?: number;
  /** How long an answer may stand still; half a minute unless told otherwise. */
  readonly idleMs?: number;
}

/**
 * Objects in a bucket of MinIO or any other server of the S3 protocol. The bucket may hold what others put there under
 * keys that are not ours; it is left alone and not listed.
 */
export class S3ObjectStore extends ObjectStore {
  private readonly client: Client;
  private readonly calls: S3Calls;
  private readonly scratch: ScratchFolder;
  private prepared: Promise<void> | undefined;
  private sweeping: Promise<void> | undefined;
  private signer: Promise<Client> | undefined;

  constructor(private readonly options: S3ObjectStoreOptions) {
    super();
    const { tls, answerMs = 60_000, idleMs = 30_000 } = options;
    const transport = new S3Transport({ tls, answerMs, idleMs });
    this.calls = new S3Calls(transport);
    this.client = createS3Client(serverAt(options.endpoint, tls), options, transport);
    this.scratch = new ScratchFolder(options.scratchFolder, options.logger);
  }

  override async put(
    key: string,
    source: Readable,
    { signal, contentType }: { signal?: AbortSignal; contentType?: string } = {},
  ): Promise<number> {
    // A source that fails while we prepare has no other listener yet, and would take the process down.
    source.on('error', ignore);
    try {
      partsOfKey(key);
      signal?.throwIfAborted();
      await this.ready();
      const { bucket, logger } = this.options;
      const onLeftover = (error: unknown) => logger.warn({ err: error, key }, 'could not abort a failed upload');
      // Read through a stream of ours, which ends at once when the signal aborts; a source may be slow to.
      const content = new PassThrough();
      whenDone(source, content, signal ? { signal } : {}).catch(ignore);
      return await uploadStream(this.client, this.calls, { bucket, key, contentType, signal, onLeftover }, content);
    } catch (error) {
      source.destroy();
      throw error;
    }
  }

  override async get(key: string, range?: { start: number; end?: number }): Promise<Readable> {
    partsOfKey(key);
    if (range) checkRange(range);
    const body = await this.call(undefined, (client, bucket) => openBody(client, bucket, key, range));
    const output = new PassThrough({
      destroy: (error, done) => done(error === null ? null : (asS3Error(error) as Error)),
    });
    // Destroys the one when the other ends early, whichever it is.
    pipeline(body, output, ignore);
    return output;
  }

  override async stat(key: string): Promise<StoredObject | undefined> {
    partsOfKey(key);
    try {
      const { size, lastModified } = await this.call(undefined, (client, bucket) => client.statObject(bucket, key));
      return { key, bytes: size, modifiedAt: lastModified };
    } catch (error) {
      if (error instanceof PolyscribeError && error.code === 'not_found') return undefined;
      throw error;
    }
  }

  override async delete(key: string): Promise<void> {
    partsOfKey(key);
    await this.call(undefined, (client, bucket) => client.removeObject(bucket, key));
  }

  override async *list(prefix: string): AsyncIterable<StoredObject> {
    partsOfPrefix(prefix);
    for (let after = ''; ;) {
      const page = await this.call(undefined, (client, bucket) =>
        client.listObjectsV2Query(bucket, prefix, '', '', PAGE_SIZE, after),
      );
      for (const { name, size, lastModified } of page.objects) {
        if (name === undefined) continue;
        after = name;
        if (isKey(name)) yield { key: name, bytes: size, modifiedAt: lastModified };
      }
      if (!page.isTruncated || page.objects.length === 0) return;
    }
  }

  override async toLocalFile(key: string, signal: AbortSignal): Promise<LocalCopy> {
    partsOfKey(key);
    signal.throwIfAborted();
    const copy = await this.scratch.newFile();
    try {
      // The answer may break off in the middle, so the whole of it is what is tried again.
      await this.call(signal, async (client, bucket) => {
        const file = await open(copy.path, 'w', 0o600);
        const target = file.createWriteStream();
        try {
          await whenDone(await openBody(client, bucket, key), target, { signal });
        } catch (error) {
          target.destroy();
          throw asStoreError(error);
        }
      });
      return copy;
    } catch (error) {
      await copy.dispose();
      throw error;
    }
  }

  override async presign(key: string, expiresInMs: number, filename: string): Promise<string> {
    partsOfKey(key);
    if (!(expiresInMs >= 1000 && expiresInMs <= MAX_LINK_MS)) {
      throw new PolyscribeError('invalid_request', 'A link is valid for one second to seven days.');
    }
    const headers = { 'response-content-disposition': attachmentNamed(filename) };
    return this.call(undefined, async (_client, bucket) => {
      const signer = await this.linkSigner();
      const { signedAtMs, lastsMs } = linkTimes(expiresInMs, Date.now());
      const seconds = Math.min(Math.floor(lastsMs / 1000), MAX_LINK_MS / 1000);
      return signer.presignedGetObject(bucket, key, seconds, headers, new Date(signedAtMs));
    });
  }

  override async clearLeftovers(): Promise<void> {
    const { bucket, logger } = this.options;
    await this.ready();
    await this.sweeping;
    this.sweeping = sweepUploads(this.client, this.calls, bucket, logger);
    await Promise.all([this.sweeping, this.scratch.sweep()]);
  }

  override async ping(): Promise<void> {
    const exists = await this.call(undefined, (client, bucket) => client.bucketExists(bucket));
    if (!exists) throw new PolyscribeError('dependency_unavailable', 'The object store has lost its bucket.');
  }

  override async close(): Promise<void> {
    this.calls.close();
    await this.sweeping;
    await this.scratch.close();
  }

  private async call<T>(
    signal: AbortSignal | undefined,
    work: (client: Client, bucket: string) => Promise<T>,
  ): Promise<T> {
    await this.ready();
    try {
      return await this.calls.make(signal, () => work(this.client, this.options.bucket));
    } catch (error) {
      throw asS3Error(error);
    }
  }

  /** Makes what is missing; once in the life of the store clears away what a crash left. */
  private ready(): Promise<void> {
    this.prepared ??= this.prepare().catch((error: unknown) => {
      this.prepared = undefined;
      throw asS3Error(error);
    });
    return this.prepared;
  }

  private async prepare(): Promise<void> {
    const { bucket, region, logger } = this.options;
    await this.scratch.prepare();
    await prepareBucket(this.client, this.calls, bucket, region);
    // Nobody waits for it: it may take long, and old parts only take space.
    this.sweeping ??= sweepUploads(this.client, this.calls, bucket, logger);
  }

  /** Links carry the server's name under their signature, so the client that makes them must go by the public one. */
  private linkSigner(): Promise<Client> {
    const { publicUrl, bucket } = this.options;
    if (publicUrl === undefined) return Promise.resolve(this.client);
    this.signer ??= this.client
      .getBucketRegionAsync(bucket)
      .then((region) => createS3Client(new URL(publicUrl), { ...this.options, region }))
      .catch((error: unknown) => {
        this.signer = undefined;
        throw error;
      });
    return this.signer;
  }
}

async function openBody(
  client: Client,
  bucket: string,
  key: string,
  range?: { start: number; end?: number },
): Promise<Readable> {
  if (!range) return client.getObject(bucket, key);
  const length = range.end === undefined ? 0 : range.end - range.start + 1;
  const body = await client.getPartialObject(bucket, key, range.start, length);
  // From its first byte on, an empty object is given as a whole where a range of it would be refused.
  if (range.start === 0 && (await client.statObject(bucket, key)).size === 0) {
    body.destroy();
    throw outsideObject();
  }
  return body;
}

function checkRange({ start, end = start }: { start: number; end?: number }): void {
  if (!Number.isSafeInteger(start) || start < 0 || !Number.isSafeInteger(end) || end < start) throw outsideObject();
}

function outsideObject(): PolyscribeError {
  return new PolyscribeError('invalid_request', 'The byte range lies outside the object.');
}

function isKey(name: string): boolean {
  try {
    return partsOfKey(name).length > 0;
  } catch {
    return false;
  }
}

function ignore(): void {
  // Whoever reads the stream gets its error.
}
