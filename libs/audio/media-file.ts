import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PolyscribeError } from '#contracts';
import { allowedDemuxers } from './formats.js';

/** Largest single allocation; cover art and the index of a long recording stay far below. */
const MAX_ALLOCATION_BYTES = 256 * 1024 * 1024;

/**
 * Options that stand before the input of ffmpeg and ffprobe alike: one thread, errors only, known containers, and no way to
 * anything but files.
 */
export const inputOptions: readonly string[] = [
  ...['-hide_banner', '-v', 'error', '-max_alloc', String(MAX_ALLOCATION_BYTES), '-threads', '1'],
  ...['-protocol_whitelist', 'file', '-format_whitelist', allowedDemuxers.join(',')],
];

/** The file as an argument that can be neither an option, nor a pattern, nor another protocol, whatever its name is. */
export function inputUrl(path: string): string {
  return `file:${resolve(path)}`;
}

/**
 * Says what needs no ffmpeg to be said.
 *
 * @throws PolyscribeError `unsupported_media` for an empty file, `not_found` where there is none
 */
export async function refuseEmptyFile(path: string): Promise<void> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw goneFile(cause);
  });
  if (size === 0) throw emptyFile();
}

function emptyFile(): PolyscribeError {
  return new PolyscribeError('unsupported_media', 'The file is empty. Upload a file with speech in it.');
}

/** @param cause what opening it failed with */
export function goneFile(cause: unknown): PolyscribeError {
  return new PolyscribeError('not_found', 'The media file is no longer there. Upload it again.', { cause });
}

/** The beginning of a file. @throws PolyscribeError `not_found` where there is none */
export async function headOf(path: string, bytes: number): Promise<Uint8Array> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw goneFile(cause);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
