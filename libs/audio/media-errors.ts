import { PolyscribeError } from '#contracts';
import type { FencedExit } from './fenced-process.js';

/** What ffmpeg writes to standard error, and what that means for whoever sent the file. The first that fits counts. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [
    /matches no streams/,
    'The file has no audio track. Upload one with sound, or check that the recording was not muted.',
  ],
  [
    /moov atom not found/,
    'The file is damaged: its end, which holds the index, is missing. Upload it again as a whole, or export it again.',
  ],
  [
    /Decoder .* not found|Unknown decoder|while opening decoder|not on whitelist '[^']*aac_latm/,
    'The audio is coded in a way that is not supported. Convert it to WAV, MP3, AAC, Opus or FLAC and try again.',
  ],
  [
    /Format not on whitelist/,
    'The file is not audio or video of a supported kind. Convert it to WAV, MP3, MP4, Ogg or FLAC and try again.',
  ],
];

const unreadable =
  'The file is damaged, or not audio or video. Check that it plays on your computer, export it again and try again.';

/**
 * The error for a run of ffmpeg or ffprobe that gave nothing useful.
 *
 * @param program as the operator knows it, with the variable that says where it is
 */
export function mediaError(exit: FencedExit, program: MediaProgram, timeoutMs: number): PolyscribeError {
  const cause = new Error(describe(exit));
  if (exit.missing) return notInstalled(program, cause);
  if (exit.killed === 'stalled' || exit.outOfTime) return tooSlow(timeoutMs, cause);
  if (wasEndedFromOutside(exit)) {
    return new PolyscribeError('dependency_unavailable', 'The decoder was ended from outside. Try again.', { cause });
  }
  const meaning = meanings.find(([pattern]) => pattern.test(exit.stderr));
  return new PolyscribeError('unsupported_media', meaning?.[1] ?? unreadable, { cause });
}

export interface MediaProgram {
  readonly name: 'ffmpeg' | 'ffprobe';
  readonly variable: 'FFMPEG_PATH' | 'FFPROBE_PATH';
}

export const ffmpeg: MediaProgram = { name: 'ffmpeg', variable: 'FFMPEG_PATH' };
export const ffprobe: MediaProgram = { name: 'ffprobe', variable: 'FFPROBE_PATH' };

/** Ended by an administrator or the out-of-memory killer; other signals are crashes over a bad file. */
export function wasEndedFromOutside({ killed, signal }: FencedExit): boolean {
  return killed === undefined && (signal === 'SIGKILL' || signal === 'SIGTERM');
}

/** @throws what the signal was aborted with where that is a PolyscribeError, else `cancelled` */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const reason: unknown = signal.reason;
  if (reason instanceof PolyscribeError) throw reason;
  throw new PolyscribeError('cancelled', 'The call was cancelled.', { cause: reason });
}

function notInstalled({ name, variable }: MediaProgram, cause: Error): PolyscribeError {
  const advice = `Whoever runs this server must install ffmpeg or set ${variable}.`;
  return new PolyscribeError('dependency_unavailable', `${name} could not be started. ${advice}`, { cause });
}

function tooSlow(timeoutMs: number, cause: Error): PolyscribeError {
  const limit = `${timeoutMs / 1000} s (FFMPEG_TIMEOUT)`;
  const advice = 'Try again when the server has less to do, or convert the file to WAV, MP3 or FLAC.';
  return new PolyscribeError('media_timeout', `The file could not be decoded within ${limit}. ${advice}`, { cause });
}

function describe(exit: FencedExit): string {
  const end = exit.signal ?? (exit.code === undefined ? 'unknown end' : `exit code ${exit.code}`);
  return [exit.killed === undefined ? end : `${end}, killed: ${exit.killed}`, exit.stderr.trim()].join('; ');
}
