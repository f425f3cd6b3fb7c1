import { PolyscribeError } from '#contracts';
import { z } from 'zod';
import { FencedProcess } from './fenced-process.js';
import { ffprobe, mediaError, throwIfAborted } from './media-errors.js';
import { inputOptions, inputUrl, refuseEmptyFile } from './media-file.js';
import type { FfmpegSettings, MediaInfo } from './media.js';
import { plainInfo, readPlainWave } from './plain-wave.js';
import { isTruncated } from './truncation.js';

/** Probing reads headers and a few pictures; a client is waiting for the answer. */
const LONGEST_PROBE_MS = 30_000;

/** A file with a thousand streams, ffmpeg's own limit, describes itself in less. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

const entries = [
  'format=format_name,duration,bit_rate',
  'format_tags=creation_time',
  'stream=codec_type,codec_name,sample_rate,channels,width,height,avg_frame_rate,duration',
  'stream_disposition=attached_pic',
].join(':');

const streamSchema = z.object({
  codec_type: z.string().optional(),
  codec_name: z.string().optional(),
  sample_rate: z.coerce.number().optional(),
  channels: z.number().optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  avg_frame_rate: z.string().optional(),
  duration: z.string().optional(),
  disposition: z.object({ attached_pic: z.number().optional() }).optional(),
});

const outputSchema = z.object({
  streams: z.array(streamSchema).default([]),
  format: z.object({
    format_name: z.string(),
    duration: z.string().optional(),
    bit_rate: z.string().optional(),
    tags: z.object({ creation_time: z.string().optional() }).optional(),
  }),
});

type ProbeStream = z.output<typeof streamSchema>;
type ProbeOutput = z.output<typeof outputSchema>;

/**
 * What a media file holds, by its headers: nothing is decoded but what ffprobe needs to know the streams. It is not asked
 * about plain wave files. The file is taken for hostile, see `FencedProcess`. The list of decoders that `decodePcm` keeps to
 * cannot be used here: with it ffprobe (5.1) fails on any video outside the list instead of passing over it. The limits of
 * the process stand alone.
 *
 * @throws PolyscribeError `unsupported_media` when it is not audio or video, damaged, empty or without an audio track,
 *   `media_timeout`, `dependency_unavailable` when there is no ffprobe, `not_found` when there is no such file, `cancelled`
 */
export async function probeMedia(path: string, settings: FfmpegSettings, signal: AbortSignal): Promise<MediaInfo> {
  throwIfAborted(signal);
  const plain = await readPlainWave(path);
  if (plain) return plainInfo(plain);
  await refuseEmptyFile(path);
  const info = mediaInfo(parseOutput(await runProbe(path, settings, signal)));
  return (await isTruncated(path)) ? { ...info, isTruncated: true } : info;
}

async function runProbe(path: string, settings: FfmpegSettings, signal: AbortSignal): Promise<string> {
  const timeoutMs = Math.min(settings.timeoutMs, LONGEST_PROBE_MS);
  const args = [...inputOptions, '-of', 'json', '-show_entries', entries, inputUrl(path)];
  const process = new FencedProcess(settings.ffprobePath, args, timeoutMs);
  const onAbort = (): void => process.kill('aborted');
  signal.addEventListener('abort', onAbort);
  try {
    throwIfAborted(signal);
    const output = await readAll(process, timeoutMs);
    const exit = await process.exit();
    throwIfAborted(signal);
    if (exit.killed !== undefined || exit.code !== 0) throw mediaError(exit, ffprobe, timeoutMs);
    return output;
  } finally {
    signal.removeEventListener('abort', onAbort);
    process.kill('no-longer-wanted');
    await process.exit();
  }
}

async function readAll(process: FencedProcess, timeoutMs: number): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const chunk = await process.read(Math.max(0, deadline - performance.now()));
    if (chunk === undefined) break;
    bytes += chunk.length;
    if (bytes > MAX_OUTPUT_BYTES) process.kill('too-much-output');
    else chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseOutput(output: string): ProbeOutput {
  try {
    return outputSchema.parse(JSON.parse(output));
  } catch (cause) {
    throw new PolyscribeError('internal', 'ffprobe gave an answer that cannot be read.', { cause });
  }
}

function mediaInfo({ format, streams }: ProbeOutput): MediaInfo {
  const audio = streams.find((stream) => stream.codec_type === 'audio');
  const picture = streams.find((stream) => stream.codec_type === 'video' && stream.disposition?.attached_pic !== 1);
  if (audio === undefined) throw noAudio(picture !== undefined);
  const durationMs = milliseconds(format.duration) ?? milliseconds(audio.duration);
  const bitRate = Number(format.bit_rate);
  const createdAt = instant(format.tags?.creation_time);
  const video = picture === undefined ? undefined : videoInfo(picture);
  return {
    container: format.format_name,
    audio: audioInfo(audio),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(bitRate > 0 ? { bitRate } : {}),
    ...(video === undefined ? {} : { video }),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

function noAudio(hasVideo: boolean): PolyscribeError {
  const message = hasVideo
    ? 'The video has no audio track. Upload one with sound, or check that the recording was not muted.'
    : 'The file holds neither audio nor video. Upload a recording with speech in it.';
  return new PolyscribeError('unsupported_media', message);
}

function audioInfo({
  codec_name: codec,
  sample_rate: sampleRateHz = 0,
  channels = 0,
}: ProbeStream): MediaInfo['audio'] {
  if (codec === undefined || sampleRateHz <= 0 || channels <= 0) {
    const message =
      'The audio track is damaged or coded in an unknown way. Convert it to WAV, MP3 or FLAC and try again.';
    throw new PolyscribeError('unsupported_media', message);
  }
  return { codec, sampleRateHz, channels };
}

function videoInfo(stream: ProbeStream): NonNullable<MediaInfo['video']> {
  const { codec_name: codec = 'unknown', width = 0, height = 0 } = stream;
  const frameRate = fraction(stream.avg_frame_rate);
  return { codec, width, height, ...(frameRate === undefined ? {} : { frameRate }) };
}

/** ffprobe gives seconds as text. */
function milliseconds(seconds: string | undefined): number | undefined {
  const ms = Math.round(Number(seconds) * 1000);
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** `30000/1001` as a number; `0/0` means unknown. */
function fraction(text: string | undefined): number | undefined {
  const [numerator, denominator] = (text ?? '').split('/').map(Number);
  const value = (numerator ?? 0) / (denominator ?? 1);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

function instant(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}
