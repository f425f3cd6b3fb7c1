import type { MediaFacts } from '#contracts';
import type { MediaInfo } from './media.js';

/** Names of codecs and containers are ffmpeg's own, and short; whatever else comes is cut. */
const MAX_NAME_CHARS = 64;
/** A year of audio; headers that say more are wrong. */
const MAX_DURATION_MS = 31_536_000_000;
const MAX_BIT_RATE = 1e12;
const MAX_PIXELS = 1_000_000;
const MAX_FRAME_RATE = 10_000;
/** Cameras without a clock give 1904, the origin of QuickTime's time, or 1970. */
const FIRST_YEAR = 1971;
const LAST_YEAR = 2200;

/** What is kept of a probe. Values that cannot be true are left out, as if the file had not given them. */
export function mediaFacts({
  container,
  durationMs,
  bitRate,
  createdAt,
  audio,
  video,
  isTruncated,
}: MediaInfo): MediaFacts {
  return {
    container: name(container),
    ...given('durationMs', within(durationMs, MAX_DURATION_MS)),
    ...(isTruncated && { isTruncated }),
    ...given('bitRate', within(bitRate, MAX_BIT_RATE)),
    ...given('createdAt', believable(createdAt)?.toISOString()),
    audio: {
      codec: name(audio.codec),
      sampleRateHz: Math.round(audio.sampleRateHz),
      channels: Math.round(audio.channels),
    },
    ...(video && {
      video: {
        codec: name(video.codec),
        width: within(video.width, MAX_PIXELS) ?? 0,
        height: within(video.height, MAX_PIXELS) ?? 0,
        ...given('frameRate', frameRate(video.frameRate)),
      },
    }),
  };
}

function given<Name extends string, T>(key: Name, value: T | undefined): Partial<Record<Name, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Name, T>);
}

function name(text: string): string {
  return text.slice(0, MAX_NAME_CHARS);
}

function within(value: number | undefined, max: number): number | undefined {
  return value !== undefined && value >= 0 && value <= max ? Math.round(value) : undefined;
}

/** Three decimals tell 29.97 from 30. */
function frameRate(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 && value <= MAX_FRAME_RATE ? Math.round(value * 1000) / 1000 : undefined;
}

function believable(date: Date | undefined): Date | undefined {
  const year = date?.getUTCFullYear() ?? 0;
  return year >= FIRST_YEAR && year <= LAST_YEAR ? date : undefined;
}
