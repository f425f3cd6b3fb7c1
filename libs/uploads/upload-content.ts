import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { PolyscribeError } from '#contracts';
import type { ObjectStore } from '#objects';
import { UploadRepository } from '#persistence';

/** Where the pieces of all uploads lie: `uploads/{upload id}/...`. */
export const UPLOADS_PREFIX = 'uploads/';

export interface ReceiveLimits {
  /** How much is made safe at a time: what a gateway that dies loses at most of a connection. */
  readonly partBytes: number;
  /** A connection on which nothing comes for that long is given up, so that the client can come back on another. */
  readonly stallMs: number;
}

export const receiveLimits: ReceiveLimits = { partBytes: 8 * 1024 * 1024, stallMs: 10_000 };

/** The bytes of uploads, as objects of which each holds a piece. */
export class UploadContent {
  constructor(
    private readonly objects: ObjectStore,
    private readonly rows: UploadRepository,
    private readonly limits: ReceiveLimits = receiveLimits,
  ) {}

  /**
   * Takes what comes and makes it safe piece by piece. What came before a connection broke is kept.
   *
   * @param offset where the upload goes on
   * @returns where it stands then
   * @throws what the source throws, after the rest is safe; PolyscribeError `upload_conflict` where somebody else was
   *   faster, `dependency_unavailable`
   */
  async receive(id: string, offset: number, source: AsyncIterable<Buffer>): Promise<number> {
    const incoming = new IncomingBytes(source, this.limits.stallMs);
    let reached = offset;
    for (;;) {
      const first = await incoming.next();
      if (first === undefined) break;
      reached += await this.receivePart(id, reached, first, incoming);
    }
    if (incoming.failure !== undefined) throw incoming.failure;
    return reached;
  }

  private async receivePart(id: string, startByte: number, first: Buffer, incoming: IncomingBytes): Promise<number> {
    const { partBytes } = this.limits;
    // Two that write at the same byte must not write to the same object.
    const key = `${UPLOADS_PREFIX}${id}/${String(startByte).padStart(15, '0')}-${randomUUID()}`;
    const piece = async function* (): AsyncGenerator<Buffer> {
      let bytes = 0;
      for (let chunk: Buffer | undefined = first; chunk !== undefined; chunk = await incoming.next()) {
        bytes += chunk.length;
        yield chunk;
        if (bytes >= partBytes) return;
      }
    };
    const bytes = await this.objects.put(key, Readable.from(piece(), { objectMode: false }));
    if (await this.rows.addPart(id, { startByte, bytes, key })) return bytes;
    await this.objects.delete(key);
    throw new PolyscribeError(
      'upload_conflict',
      'The upload stands elsewhere by now; ask where with HEAD and go on there.',
    );
  }

  /** All of a finished upload, from its first byte. */
  async read(id: string): Promise<Readable> {
    const { objects } = this;
    const keys = await this.rows.partKeys(id);
    return Readable.from(
      (async function* () {
        for (const key of keys) yield* (await objects.get(key)) as AsyncIterable<Buffer>;
      })(),
      { objectMode: false },
    );
  }

  /** Removes the bytes of an upload, and its row unless it has to say for a while that it was used. */
  async clear(id: string): Promise<void> {
    // By the folder: pieces that came second, or just before a crash, have no row.
    for await (const { key } of this.objects.list(`${UPLOADS_PREFIX}${id}/`)) await this.objects.delete(key);
    await this.rows.cleared(id);
  }
}

/** The bytes of a connection, whose break is an end like any other until all that came is safe. */
class IncomingBytes {
  private readonly chunks: AsyncIterator<Buffer>;
  failure: PolyscribeError | undefined;

  constructor(
    source: AsyncIterable<Buffer>,
    private readonly stallMs: number,
  ) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** undefined at the end, and from a failure on. */
  async next(): Promise<Buffer | undefined> {
    if (this.failure !== undefined) return undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      const stalled = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => {
          reject(new PolyscribeError('invalid_request', 'The upload stopped; ask with HEAD where to go on.'));
        }, this.stallMs);
      });
      const next = await Promise.race([this.chunks.next(), stalled]);
      return next.done === true ? undefined : next.value;
    } catch (error) {
      this.failure = error instanceof PolyscribeError ? error : brokenOff(error);
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

function brokenOff(cause: unknown): PolyscribeError {
  return new PolyscribeError('invalid_request', 'The upload broke off; ask with HEAD where to go on.', { cause });
}
