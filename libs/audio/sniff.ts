import { fileTypeFromBuffer } from 'file-type';
import { formatByExtension, type MediaFormat } from './formats.js';
import { holdsMpegFrames } from './mpeg-frames.js';

/** How many bytes from the start of a file `sniffMedia` can make use of; 4 KiB is enough for most. */
export const SNIFF_BYTES = 64 * 1024;

/** Formats that `file-type` does not know, by their first bytes. */
const otherMagic: readonly (readonly [extension: string, magic: Uint8Array])[] = [
  ['caf', ascii('caff\0\x01')],
  ['au', ascii('.snd')],
  // Sony Wave64: a RIFF chunk whose name is a GUID.
  ['w64', Uint8Array.from([0x72, 0x69, 0x66, 0x66, 0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1])],
  // Wave files over 4 GB (EBU Tech 3306).
  ['wav', ascii('RF64')],
];

/** Formats without a magic word, whose frames must follow each other before they are believed. */
const frameFormats: ReadonlySet<string> = new Set(['mp1', 'mp2', 'mp3', 'aac']);

/**
 * What a file is, judged by its first bytes and never by its name.
 *
 * MP3 without an ID3 tag is taken where its frames begin within the first 4 KiB; with a tag the tag alone is believed,
 * since cover art may fill more than the bytes at hand.
 *
 * @param head the first bytes, up to `SNIFF_BYTES`
 * @returns undefined for what is not audio or video, or a kind of it that we do not take
 */
export async function sniffMedia(head: Uint8Array): Promise<MediaFormat | undefined> {
  const detected = (await fileTypeFromBuffer(head))?.ext;
  if (detected !== undefined && !frameFormats.has(detected)) return formatByExtension.get(detected);
  const magic = otherMagic.find(([, bytes]) => startsWith(head, bytes));
  if (magic !== undefined) return formatByExtension.get(magic[0]);
  if (startsWith(head, ascii('ID3')) || holdsMpegFrames(head)) return formatByExtension.get(detected ?? 'mp3');
  return undefined;
}

function startsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return bytes.length >= beginning.length && beginning.every((byte, i) => bytes[i] === byte);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
