import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import { PolyscribeError, systemErrorCode } from '#contracts';
import type { S3Calls } from './s3-calls.js';
import { asS3Error } from './s3-errors.js';

/** Size of all parts but the last: S3 takes no less than 5 MiB. One or two are in memory during an upload. */
export const PART_BYTES = 8 * 1024 * 1024;
/** S3's own limit: 78 GiB with parts of this size. */
const MAX_PARTS = 10_000;

export interface UploadTarget {
  readonly bucket: string;
  readonly key: string;
  readonly contentType: string | undefined;
  readonly signal: AbortSignal | undefined;
  /** Gets what went wrong while a failed upload was cleared away. */
  readonly onLeftover: (error: unknown) => void;
}

/**
 * Writes an object from a stream, whole or not at all: what fits into one part is one request, the rest a multipart upload
 * that is completed at the end or aborted.
 *
 * The client's own upload of streams does not do: of unknown length it takes 64 MiB and more into memory, and it continues
 * any unfinished upload of the same key, be it one that another process is at.
 *
 * @returns the number of bytes
 */
export async function uploadStream(
  client: Client,
  calls: S3Calls,
  target: UploadTarget,
  source: Readable,
): Promise<number> {
  const memory = new PartMemory();
  let multipart: MultipartUpload | undefined;
  let bytes = 0;
  try {
    for await (const block of blocksOf(source, memory)) {
      bytes += block.length;
      if (!multipart && block.length < PART_BYTES) {
        await putWhole(client, calls, target, block);
        return bytes;
      }
      multipart ??= await MultipartUpload.begin(client, calls, target, memory);
      await multipart.add(block);
    }
    await multipart?.complete();
    return bytes;
  } catch (error) {
    await multipart?.abort();
    throw error;
  }
}

async function putWhole(client: Client, calls: S3Calls, target: UploadTarget, content: Buffer): Promise<void> {
  try {
    await calls.make(target.signal, () =>
      client.putObject(target.bucket, target.key, content, content.length, headersOf(target)),
    );
  } catch (error) {
    throw asS3Error(error);
  }
}

class MultipartUpload {
  private readonly parts: { part: number; etag: string }[] = [];

  private constructor(
    private readonly client: Client,
    private readonly calls: S3Calls,
    private readonly target: UploadTarget,
    private readonly memory: PartMemory,
    private readonly uploadId: string,
  ) {}

  static async begin(
    client: Client,
    calls: S3Calls,
    target: UploadTarget,
    memory: PartMemory,
  ): Promise<MultipartUpload> {
    try {
      const id = await calls.make(target.signal, () =>
        client.initiateNewMultipartUpload(target.bucket, target.key, headersOf(target)),
      );
      return new MultipartUpload(client, calls, target, memory, id);
    } catch (error) {
      throw asS3Error(error);
    }
  }

  async add(content: Buffer): Promise<void> {
    const partNumber = this.parts.length + 1;
    if (partNumber > MAX_PARTS) {
      throw new PolyscribeError('payload_too_large', 'The object is larger than the object store can take.');
    }
    const { bucket: bucketName, key: objectName } = this.target;
    try {
      const { etag } = await this.calls.make(this.target.signal, (attempt) => {
        if (attempt > 1) this.memory.leave();
        const part = { bucketName, objectName, uploadID: this.uploadId, partNumber, headers: {} };
        return this.client.uploadPart(part, content);
      });
      this.parts.push({ part: partNumber, etag });
    } catch (error) {
      throw asS3Error(error);
    }
  }

  async complete(): Promise<void> {
    const { bucket, key, signal } = this.target;
    try {
      await this.calls.make(signal, async (attempt) => {
        try {
          await this.client.completeMultipartUpload(bucket, key, this.uploadId, this.parts);
        } catch (error) {
          // An attempt whose answer was lost had completed it: nobody else knows of this upload.
          if (attempt > 1 && systemErrorCode(error) === 'NoSuchUpload') return;
          throw error;
        }
      });
    } catch (error) {
      throw asS3Error(error);
    }
  }

  /** Frees what the parts take, also when the caller has aborted; what stays is swept at a later start. */
  async abort(): Promise<void> {
    const { bucket, key, onLeftover } = this.target;
    await this.calls
      .make(undefined, () => this.client.abortMultipartUpload(bucket, key, this.uploadId))
      .catch((error: unknown) => {
        if (systemErrorCode(error) !== 'NoSuchUpload') onLeftover(error);
      });
  }
}

function headersOf(target: UploadTarget): Record<string, string> {
  return { 'content-type': target.contentType ?? 'application/octet-stream' };
}

/**
 * Where the parts of an upload lie, one after the other: parts in memory of their own made a gateway grow by as much as
 * lies outside V8's heap before it is collected.
 */
class PartMemory {
  private bytes: Buffer | undefined;

  /** What was given before is written over. @param pieces of {@link PART_BYTES} together */
  join(pieces: readonly Buffer[]): Buffer {
    this.bytes ??= Buffer.allocUnsafeSlow(PART_BYTES);
    let at = 0;
    for (const piece of pieces) at += piece.copy(this.bytes, at);
    return this.bytes;
  }

  /** Leaves what was given last as it is for ever: an attempt that was given up may still be sending it. */
  leave(): void {
    this.bytes = undefined;
  }
}

/**
 * The stream as blocks of {@link PART_BYTES}, each of which holds until the next is asked for; the last one, which comes only
 * once the stream has ended well, is shorter.
 */
async function* blocksOf(source: Readable, memory: PartMemory): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let held = 0;
  for await (const piece of source as AsyncIterable<Uint8Array | string>) {
    let rest =
      typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    while (held + rest.length >= PART_BYTES) {
      const missing = PART_BYTES - held;
      yield memory.join([...chunks, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      chunks = [];
      held = 0;
    }
    chunks.push(rest);
    held += rest.length;
  }
  yield Buffer.concat(chunks);
}
