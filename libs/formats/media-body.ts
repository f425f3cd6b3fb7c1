import type { MediaObject } from '#contracts';
import { toSeconds } from './seconds.js';

/** What clients are told of a recording. All but the first two is known once its headers were read. */
export interface MediaBody {
  bytes: number;
  type: string;
  container?: string;
  /** Seconds. */
  duration?: number;
  /** Bits per second. */
  bit_rate?: number;
  created_at?: string;
  audio?: { codec: string; sample_rate: number; channels: number };
  video?: { codec: string; width: number; height: number; frame_rate?: number };
}

export function mediaBody({ bytes, mediaType: type, facts }: MediaObject): MediaBody {
  if (!facts) return { bytes, type };
  const { container, durationMs, bitRate, createdAt, audio, video } = facts;
  return {
    bytes,
    type,
    container,
    ...(durationMs === undefined ? {} : { duration: toSeconds(durationMs) }),
    ...(bitRate === undefined ? {} : { bit_rate: bitRate }),
    ...(createdAt === undefined ? {} : { created_at: createdAt }),
    audio: { codec: audio.codec, sample_rate: audio.sampleRateHz, channels: audio.channels },
    ...(video && { video: videoBody(video) }),
  };
}

function videoBody({
  codec,
  width,
  height,
  frameRate,
}: NonNullable<NonNullable<MediaObject['facts']>['video']>): NonNullable<MediaBody['video']> {
  return { codec, width, height, ...(frameRate === undefined ? {} : { frame_rate: frameRate }) };
}
