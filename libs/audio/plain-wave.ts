import { type FileHandle, open } from 'node:fs/promises';
import { BYTES_PER_SAMPLE, SAMPLE_RATE_HZ } from '#contracts';
import { throwIfAborted } from './media-errors.js';
import { goneFile } from './media-file.js';
import type { MediaInfo } from './media.js';
import { CHUNK_HEADER_BYTES, isWave, RIFF_HEADER_BYTES, UNKNOWN_SIZE } from './wave-header.js';

/** A wave file that holds what engines take, and so needs no decoder: 16 kHz, signed 16-bit little-endian. */
export interface PlainWave {
  readonly channels: number;
  /** Where the samples are in the file. All of them are there. */
  readonly start: number;
  readonly bytes: number;
  readonly fileBytes: number;
  /** The header promises more samples than there are. */
  readonly isTruncated: boolean;
  /** All of the file where it is small: then it is not read again. */
  readonly content?: Buffer;
}

/** What stands before the samples must fit in here. */
const HEAD_BYTES = 8 * 1024;
/** Eight seconds of one channel: each read is a turn of another thread, which costs more than what it reads. */
const PIECE_BYTES = 256 * 1024;
/** A file that is no longer is read at once: two seconds. What the disk takes for it is next to nothing beside asking twice. */
const SMALL_FILE_BYTES = 64 * 1024;
const MAX_CHANNELS = 8;
/** Chunks behind the samples. */
const MAX_TRAILERS = 16;

const PCM = 1;
const EXTENSIBLE = 0xff_fe;
const FORMAT_BYTES = 16;
const EXTENSIBLE_BYTES = 40;
const EXTENSION_BYTES = 22;
/** KSDATAFORMAT_SUBTYPE_PCM, as it stands in the file. */
const PCM_SUBTYPE = '0100000000001000800000aa00389b71';

/** Chunks that say nothing about the sound. Others may, to a program that knows them. */
const silentChunks: ReadonlySet<string> = new Set(['LIST', 'fact', 'JUNK', 'junk', 'PAD ', 'FLLR', 'PEAK', 'cue ']);
/** The entry of a list that tells when the recording was made. */
const TIME_TAG = 'IDIT';

interface Chunk {
  readonly name: string;
  readonly size: number;
  /** Where its content begins. */
  readonly start: number;
}

/**
 * Reads the header of a file that may be a plain wave file (Microsoft and IBM, RIFF 1.0, with WAVE_FORMAT_EXTENSIBLE). What
 * is unusual in any way, or not what it should be, is left to ffmpeg, which knows what to make of it or what to say; so
 * whatever is taken here must give the samples that ffmpeg gives.
 *
 * @returns undefined for any other file
 * @throws PolyscribeError `not_found` when there is no such file; the system's error when it cannot be read
 */
export async function readPlainWave(path: string): Promise<PlainWave | undefined> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw goneFile(cause);
  });
  try {
    const { size } = await file.stat();
    const isSmall = size <= SMALL_FILE_BYTES;
    const content = await readAt(file, 0, Math.min(size, isSmall ? SMALL_FILE_BYTES : HEAD_BYTES));
    const head = content.subarray(0, HEAD_BYTES);
    if (!isWave(head)) return undefined;
    const format = chunkAt(head, RIFF_HEADER_BYTES);
    const channels = format && channelsOf(head, format);
    const data = format && dataChunk(head, format);
    if (channels === undefined || !data) return undefined;
    const wave = samplesOf(data, channels, size);
    if (!wave || !(await isPlainBehind(file, endOf(data), size, data))) return undefined;
    return content.length === size ? { ...wave, content } : wave;
  } finally {
    await file.close();
  }
}

/** What ffprobe tells of such a file, with a duration to the microsecond and whole bits. */
export function plainInfo({ channels, bytes, fileBytes, isTruncated }: PlainWave): MediaInfo {
  const micros = Math.round((bytes * 1e6) / (SAMPLE_RATE_HZ * BYTES_PER_SAMPLE * channels));
  const durationMs = Math.round(micros / 1000);
  return {
    container: 'wav',
    ...(durationMs > 0 ? { durationMs } : {}),
    bitRate: Math.floor((fileBytes * 8e6) / micros),
    audio: { codec: 'pcm_s16le', sampleRateHz: SAMPLE_RATE_HZ, channels },
    ...(isTruncated ? { isTruncated: true } : {}),
  };
}

/** The samples of one channel, from 0, in pieces that hold whole samples. @throws `cancelled` */
export async function* plainSamples(
  path: string,
  wave: PlainWave,
  channel: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const { channels, start, bytes, content } = wave;
  const select = (piece: Buffer) => (channels === 1 ? piece : oneChannel(piece, channels, channel));
  if (content) {
    yield select(content.subarray(start, start + bytes));
    return;
  }
  const file = await open(path, 'r');
  try {
    const end = start + bytes;
    const pieceBytes = PIECE_BYTES - (PIECE_BYTES % (channels * BYTES_PER_SAMPLE));
    for (let at = start; at < end; at += pieceBytes) {
      throwIfAborted(signal);
      const piece = await readAt(file, at, Math.min(pieceBytes, end - at));
      throwIfAborted(signal);
      // Somebody shortened the file meanwhile.
      if (piece.length === 0) return;
      yield select(piece);
    }
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function oneChannel(piece: Buffer, channels: number, channel: number): Buffer {
  const frameBytes = channels * BYTES_PER_SAMPLE;
  const frames = Math.floor(piece.length / frameBytes);
  const samples = Buffer.allocUnsafe(frames * BYTES_PER_SAMPLE);
  for (let frame = 0; frame < frames; frame += 1) {
    samples.writeInt16LE(piece.readInt16LE(frame * frameBytes + channel * BYTES_PER_SAMPLE), frame * BYTES_PER_SAMPLE);
  }
  return samples;
}

function chunkAt(head: Buffer, at: number): Chunk | undefined {
  if (at + CHUNK_HEADER_BYTES > head.length) return undefined;
  return { name: head.toString('latin1', at, at + 4), size: head.readUInt32LE(at + 4), start: at + CHUNK_HEADER_BYTES };
}

/** Chunks begin at even bytes. */
function endOf({ start, size }: Chunk): number {
  return start + size + (size % 2);
}

/** @returns undefined where the samples are not what engines take */
function channelsOf(head: Buffer, { name, size, start }: Chunk): number | undefined {
  if (name !== 'fmt ' || size < FORMAT_BYTES || start + size > head.length) return undefined;
  const channels = head.readUInt16LE(start + 2);
  const frameBytes = channels * BYTES_PER_SAMPLE;
  const isPlain =
    channels >= 1 &&
    channels <= MAX_CHANNELS &&
    head.readUInt32LE(start + 4) === SAMPLE_RATE_HZ &&
    head.readUInt32LE(start + 8) === SAMPLE_RATE_HZ * frameBytes &&
    head.readUInt16LE(start + 12) === frameBytes &&
    head.readUInt16LE(start + 14) === 8 * BYTES_PER_SAMPLE;
  return isPlain && isPcm(head.subarray(start, start + size)) ? channels : undefined;
}

function isPcm(format: Buffer): boolean {
  const tag = format.readUInt16LE(0);
  if (tag === PCM) return true;
  return (
    tag === EXTENSIBLE &&
    format.length >= EXTENSIBLE_BYTES &&
    format.readUInt16LE(FORMAT_BYTES) >= EXTENSION_BYTES &&
    format.readUInt16LE(18) === 8 * BYTES_PER_SAMPLE &&
    format.toString('hex', 24, EXTENSIBLE_BYTES) === PCM_SUBTYPE
  );
}

/** The chunk with the samples, where nothing stands before it that may matter. */
function dataChunk(head: Buffer, format: Chunk): Chunk | undefined {
  for (let chunk = chunkAt(head, endOf(format)); chunk; chunk = chunkAt(head, endOf(chunk))) {
    if (chunk.name === 'data') return chunk;
    if (!isSilent(chunk, head.subarray(chunk.start, chunk.start + chunk.size))) return undefined;
  }
  return undefined;
}

/** @param content all of it, or what was read of it */
function isSilent({ name, size }: Chunk, content: Buffer): boolean {
  return silentChunks.has(name) && content.length === size && !content.includes(TIME_TAG, 0, 'latin1');
}

function samplesOf({ start, size }: Chunk, channels: number, fileBytes: number): PlainWave | undefined {
  const there = Math.max(0, fileBytes - start);
  // In a file as long as that the size may be meant, with something behind the samples.
  if (size >= UNKNOWN_SIZE && size < there) return undefined;
  const promised = isUnknown(size) ? there : size;
  const bytes = Math.min(promised, there);
  // Part of a sample is a fault that is to be told.
  const isWhole = [bytes, promised].every((count) => count % (channels * BYTES_PER_SAMPLE) === 0);
  if (bytes === 0 || !isWhole) return undefined;
  return { channels, start, bytes, fileBytes, isTruncated: promised > there };
}

function isUnknown(size: number): boolean {
  return size === 0 || size >= UNKNOWN_SIZE;
}

/** Whether what follows the samples is nothing, or says nothing about the sound. */
async function isPlainBehind(file: FileHandle, end: number, fileBytes: number, data: Chunk): Promise<boolean> {
  if (isUnknown(data.size)) return true;
  let at = end;
  for (let count = 0; at < fileBytes; count += 1) {
    const head = await readAt(file, at, Math.min(HEAD_BYTES, fileBytes - at));
    const chunk = chunkAt(head, 0);
    if (!chunk || count >= MAX_TRAILERS) return false;
    if (!isSilent(chunk, head.subarray(chunk.start, chunk.start + chunk.size))) return false;
    at += endOf(chunk);
  }
  return true;
}
