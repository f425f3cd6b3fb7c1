import { BYTES_PER_SAMPLE, PolyscribeError, SAMPLE_RATE_HZ, type TranscriptWarning } from '#contracts';
import { type FencedExit, FencedProcess } from './fenced-process.js';
import { allowedDecoders } from './formats.js';
import { ffmpeg, mediaError, throwIfAborted, wasEndedFromOutside } from './media-errors.js';
import { headOf, inputOptions, inputUrl, refuseEmptyFile } from './media-file.js';
import type { FfmpegSettings, MediaInfo } from './media.js';
import { plainInfo, type PlainWave, plainSamples, readPlainWave } from './plain-wave.js';
import { SNIFF_BYTES, sniffMedia } from './sniff.js';

export interface DecodeOptions {
  readonly settings: FfmpegSettings;
  readonly signal: AbortSignal;
  /** Takes one channel, from 0; undefined mixes all into one. */
  readonly channel?: number;
  /** Told at the end, before the iterator ends, that parts of the file were damaged (`damaged_media`). */
  readonly onWarning?: (warning: TranscriptWarning) => void;
  /** Told before the first chunk what the header says, where that is known because no decoder had to be asked. */
  readonly onInfo?: (info: MediaInfo) => void;
}

/** A jump in the file's clock beyond this is a fault of the file and not a pause in the recording. */
const LONGEST_GAP_SECONDS = 3600;

/**
 * Puts every piece of audio where the file's clock has it, so that times in the transcript are those of a player: pauses
 * that were not recorded (calls, browsers) become silence. A clock that runs backwards or jumps far, as in files joined
 * together, is not followed: the audio then follows what was before and nothing is lost.
 *
 * ld(0) is the length of the piece before and ld(1) where it ended, in units of the filter's clock.
 *
 * No filter may hold much back, to give larger pieces for instance: where channels or sampling rate change in the middle of a
 * file, ffmpeg makes its filters anew and drops what they hold.
 */
const KEEP_TIME = [
  "asetpts='st(1,if(isnan(PREV_OUTPTS),0,PREV_OUTPTS+ld(0)));st(0,NB_SAMPLES/(SR*TB));",
  `if(gt((PTS-ld(1))*TB,${LONGEST_GAP_SECONDS}),ld(1),max(PTS,ld(1)))'`,
  ',aresample=async=1',
].join('');

/**
 * Makes a late start against the video silence. Sound alone cannot begin late, and must not be taken to: where channels or
 * sampling rate change in its middle, the new filters would take all that was before for silence.
 */
const KEEP_LATE_START = ':first_pts=0';

/** Complaints of ffmpeg about streams that we do not decode. */
const harmless = /not on whitelist|Last message repeated/;

/**
 * The first audio track of a file as PCM: 16 kHz, mono, signed 16-bit little-endian, in chunks of tens of kilobytes that may
 * split a sample. Work starts at the first pull, goes on only as fast as the caller pulls, and ends with the iterator.
 *
 * A plain wave file, which holds just that, is read as it is. Any other is taken for hostile: see `FencedProcess`, and
 * `formats.ts` for what may be opened. Of a damaged file whatever could be decoded is given, with a warning.
 *
 * @throws PolyscribeError `unsupported_media` when it gives no audio at all, `media_timeout` when it takes longer than
 *   `settings.timeoutMs` of processor time or for its next output, `dependency_unavailable` when there is no ffmpeg,
 *   `not_found` when there is no such file, `cancelled`
 */
export async function* decodePcm(path: string, options: DecodeOptions): AsyncGenerator<Buffer, void, undefined> {
  const { settings, signal } = options;
  throwIfAborted(signal);
  const plain = await readPlainWave(path);
  if (plain) options.onInfo?.(plainInfo(plain));
  else await refuseEmptyFile(path);
  const channel = plain && plainChannel(plain, options.channel);
  if (plain && channel !== undefined) {
    yield* plainSamples(path, plain, channel, signal);
    return;
  }
  const args = decodeArguments(path, options.channel, await mayBeginLate(path));
  const process = new FencedProcess(settings.ffmpegPath, args, settings.timeoutMs);
  const onAbort = (): void => process.kill('aborted');
  signal.addEventListener('abort', onAbort);
  let bytes = 0;
  try {
    for (;;) {
      throwIfAborted(signal);
      const chunk = await process.read(settings.timeoutMs);
      if (chunk === undefined) break;
      bytes += chunk.length;
      yield chunk;
    }
    throwIfAborted(signal);
    judge(await process.exit(), bytes, options);
  } finally {
    signal.removeEventListener('abort', onAbort);
    process.kill('no-longer-wanted');
    await process.exit();
  }
}

/** The channel that needs no decoder; undefined where channels are to be mixed, or there is no such channel. */
function plainChannel({ channels }: PlainWave, wanted: number | undefined): number | undefined {
  if (wanted === undefined) return channels === 1 ? 0 : undefined;
  return wanted < channels ? wanted : undefined;
}

/** Whether there may be a video that begins before the sound. */
async function mayBeginLate(path: string): Promise<boolean> {
  const format = await sniffMedia(await headOf(path, SNIFF_BYTES));
  return format?.mayHoldVideo !== false;
}

function decodeArguments(path: string, channel: number | undefined, isLate: boolean): string[] {
  const keepTime = isLate ? KEEP_TIME + KEEP_LATE_START : KEEP_TIME;
  const filter = channel === undefined ? keepTime : `${keepTime},pan=mono|c0=c${channel}`;
  return [
    ...['-nostdin', ...inputOptions, '-codec_whitelist', allowedDecoders.join(','), '-vn', '-sn', '-dn'],
    ...['-i', inputUrl(path), '-map', '0:a:0', '-filter_threads', '1', '-af', filter],
    ...['-ac', '1', '-ar', String(SAMPLE_RATE_HZ), '-c:a', 'pcm_s16le', '-f', 's16le', '-flush_packets', '0', 'pipe:1'],
  ];
}

/** Tells a good run from a bad one, and a damaged file that gave something from one that gave nothing. */
function judge(exit: FencedExit, bytes: number, { settings, onWarning }: DecodeOptions): void {
  const complaints = exit.stderr.split('\n').some((line) => line.trim() !== '' && !harmless.test(line));
  const clean = exit.code === 0 && !complaints;
  const interrupted = exit.killed !== undefined || exit.outOfTime || wasEndedFromOutside(exit);
  if (interrupted || (bytes < BYTES_PER_SAMPLE && !clean)) throw mediaError(exit, ffmpeg, settings.timeoutMs);
  if (bytes < BYTES_PER_SAMPLE) {
    const message = 'The audio track is empty. Upload a file with speech in it.';
    throw new PolyscribeError('unsupported_media', message);
  }
  if (!clean) onWarning?.(damaged);
}

const damaged: TranscriptWarning = {
  code: 'damaged_media',
  message: 'Parts of the file are damaged or missing; what could be decoded was transcribed.',
};
