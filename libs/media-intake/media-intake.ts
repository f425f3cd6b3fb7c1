import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { type FfmpegSettings, mediaFacts, probeMedia, SNIFF_BYTES, sniffMedia, isEmptyWave } from '#audio';
import { type MediaFacts, type MediaObject, PolyscribeError } from '#contracts';
import { ObjectStore } from '#objects';
import { cleanFileName } from './file-name.js';
import { slowestUpload, UploadMeter, uploadStopped } from './upload-meter.js';

/** A file on its way in. */
export interface IncomingFile {
  readonly filename: string | undefined;
  readonly content: Readable;
}

/** Where a file is put: `media/{jobId}/{name}` and the extension of what it turns out to be. */
export interface MediaPlace {
  readonly jobId: string;
  readonly name: string;
}

export interface MediaIntakeOptions {
  readonly objects: ObjectStore;
  readonly maxFileBytes: number;
  /** For looking whether a container holds sound at all; undefined leaves that to whoever reads it next. */
  readonly ffmpeg?: FfmpegSettings;
  /** What a file is given up with that no longer comes; `invalid_request` by default. */
  readonly stopped?: () => PolyscribeError;
}

/** The objects that belong to a job lie under this. */
export function mediaFolder(jobId: string): string {
  return `media/${jobId}/`;
}

/** Takes a file in: whole and looked at, or not at all. */
export class MediaIntake {
  constructor(private readonly options: MediaIntakeOptions) {}

  /**
   * Streams the file to the object store while hashing and counting it. Whatever goes wrong, nothing is left behind.
   *
   * @throws PolyscribeError `unsupported_media`, `payload_too_large`, `invalid_request` when the upload breaks off or
   *   stops, `dependency_unavailable`
   */
  async store(place: MediaPlace, file: IncomingFile, signal: AbortSignal): Promise<MediaObject> {
    const { maxFileBytes, stopped = uploadStopped, objects } = this.options;
    const meter = new UploadMeter({ maxBytes: maxFileBytes, ...slowestUpload, stopped }, SNIFF_BYTES);
    // Joins both streams' ends, so that a failure of one reaches whoever reads the other.
    const joined = pipeline(file.content, meter, { signal });
    joined.catch(() => undefined);
    try {
      const kind = await sniff(await meter.head);
      const key = `${mediaFolder(place.jobId)}${place.name}.${kind.extension}`;
      await objects.put(key, meter, { signal, contentType: kind.mediaType });
      const media: MediaObject = {
        key,
        filename: cleanFileName(file.filename),
        bytes: meter.bytes,
        sha256: meter.sha256(),
        mediaType: kind.mediaType,
      };
      if (!kind.mayHoldVideo || !this.options.ffmpeg) return media;
      return { ...media, facts: await this.probe(media, this.options.ffmpeg, signal) };
    } catch (error) {
      throw intakeError(error, file.content, signal);
    } finally {
      meter.destroy();
      file.content.destroy();
    }
  }

  /** Removes what `store` put away, for a submission that is refused later. */
  async discard(media: MediaObject): Promise<void> {
    await this.options.objects.delete(media.key);
  }

  /** Looks for an audio track in a container that may have none; a damaged file is found here too. */
  private async probe(media: MediaObject, ffmpeg: FfmpegSettings, signal: AbortSignal): Promise<MediaFacts> {
    try {
      const copy = await this.options.objects.toLocalFile(media.key, signal);
      try {
        return mediaFacts(await probeMedia(copy.path, ffmpeg, signal));
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

async function sniff(bytes: Buffer) {
  if (bytes.length === 0) {
    throw new PolyscribeError('unsupported_media', 'The file is empty; send a recording.');
  }
  const kind = await sniffMedia(bytes);
  // Less than was asked for is all there is.
  if (bytes.length < SNIFF_BYTES && isEmptyWave(bytes)) {
    throw new PolyscribeError('unsupported_media', 'The file has a header and no sound; send a recording.');
  }
  if (kind) return kind;
  throw new PolyscribeError(
    'unsupported_media',
    'The file is neither audio nor video that is known here, whatever its name says; send for example MP3, WAV, FLAC, OGG, M4A, MP4 or WebM.',
  );
}
