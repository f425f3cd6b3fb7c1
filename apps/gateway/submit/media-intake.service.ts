import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { probeMedia, SNIFF_BYTES, sniffMedia } from '#audio';
import type { Config } from '#config';
import { type MediaObject, PolyscribeError } from '#contracts';
import { ObjectStore } from '#objects';
import { CONFIG } from '../tokens.js';
import { cleanFileName } from './file-name.js';
import { slowestUpload, UploadMeter } from './upload-meter.js';

/** A file on its way in. */
export interface IncomingFile {
  readonly filename: string | undefined;
  readonly content: Readable;
}

/** Takes a file in: whole and looked at, or not at all. */
@Injectable()
export class MediaIntake {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly objects: ObjectStore,
  ) {}

  /**
   * Streams the file to the object store while hashing and counting it. Whatever goes wrong, nothing is left behind.
   *
   * @throws PolyscribeError `unsupported_media`, `payload_too_large`, `invalid_request` when the upload breaks off or
   *   stops, `dependency_unavailable`
   */
  async store(jobId: string, file: IncomingFile, signal: AbortSignal): Promise<MediaObject> {
    const meter = new UploadMeter({ maxBytes: this.config.limits.maxFileBytes, ...slowestUpload });
    // Joins both streams' ends, so that a failure of one reaches whoever reads the other.
    const joined = pipeline(file.content, meter, { signal });
    joined.catch(() => undefined);
    try {
      const upload = meter[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      const head = await takeHead(upload);
      const kind = await sniff(head);
      const key = `media/${jobId}/source.${kind.extension}`;
      const source = Readable.from(replay(head, upload), { objectMode: false });
      await this.objects.put(key, source, { signal, contentType: kind.mediaType });
      const media: MediaObject = {
        key,
        filename: cleanFileName(file.filename),
        bytes: meter.bytes,
        sha256: meter.sha256(),
        mediaType: kind.mediaType,
      };
      if (kind.mayHoldVideo) await this.probe(media, signal);
      return media;
    } catch (error) {
      throw intakeError(error, file.content, signal);
    } finally {
      meter.destroy();
      file.content.destroy();
    }
  }

  /** Removes what `store` put away, for a submission that is refused later. */
  async discard(media: MediaObject): Promise<void> {
    await this.objects.delete(media.key);
  }

  /** Looks for an audio track in a container that may have none; a damaged file is found here too. */
  private async probe(media: MediaObject, signal: AbortSignal): Promise<void> {
    try {
      const copy = await this.objects.toLocalFile(media.key, signal);
      try {
        await probeMedia(copy.path, this.config.ffmpeg, signal);
      } finally {
        await copy.dispose();
      }
    } catch (error) {
      await this.discard(media);
      throw error;
    }
  }
}

/** What went wrong, as the client is to hear it: a stream that failed under us is the upload's fault, not ours. */
function intakeError(error: unknown, content: Readable, signal: AbortSignal): unknown {
  if (error instanceof PolyscribeError) return error;
  if (signal.aborted) return new PolyscribeError('cancelled', 'The client went away.', { cause: error });
  if (content.errored === null) return error;
  return new PolyscribeError('invalid_request', 'The upload broke off before its end; send it again.', {
    cause: error,
  });
}

async function takeHead(upload: AsyncIterator<Buffer>): Promise<Buffer[]> {
  const head: Buffer[] = [];
  let bytes = 0;
  while (bytes < SNIFF_BYTES) {
    const next = await upload.next();
    if (next.done === true) break;
    head.push(next.value);
    bytes += next.value.length;
  }
  return head;
}

async function sniff(head: readonly Buffer[]) {
  const bytes = Buffer.concat(head);
  if (bytes.length === 0) {
    throw new PolyscribeError('unsupported_media', 'The file is empty; send a recording.');
  }
  const kind = await sniffMedia(bytes);
  if (kind) return kind;
  throw new PolyscribeError(
    'unsupported_media',
    'The file is neither audio nor video that is known here, whatever its name says; send for example MP3, WAV, FLAC, OGG, M4A, MP4 or WebM.',
  );
}

async function* replay(head: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
