/** What the headers of a media file say of it. They may say anything: every value is bounded, and for people only. */
export interface MediaFacts {
  /** ffmpeg's name of the container, such as `mp3` or `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  /** undefined when unknown, as for live recordings. */
  readonly durationMs?: number;
  /** Whether the file ends before its end, as its format tells. */
  readonly isTruncated?: true;
  /** Bits per second, all tracks together. */
  readonly bitRate?: number;
  /** When it was recorded, where the file says so: ISO 8601, UTC. */
  readonly createdAt?: string;
  /** The track that is transcribed. */
  readonly audio: { readonly codec: string; readonly sampleRateHz: number; readonly channels: number };
  /** The first moving picture; undefined where there is none. */
  readonly video?: {
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    /** Pictures per second; undefined when it varies or is unknown. */
    readonly frameRate?: number;
  };
}
