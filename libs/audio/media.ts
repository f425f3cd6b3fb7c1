/** Where ffmpeg is and how long it may take. */
export interface FfmpegSettings {
  /** A path, or a name to look up on `PATH`. */
  readonly ffmpegPath: string;
  /** A path, or a name to look up on `PATH`. */
  readonly ffprobePath: string;
  /** Processor time one run may use, and the longest wait for its next output. */
  readonly timeoutMs: number;
}

/** What a media file holds. Of several audio tracks the first is meant, which is the one that is decoded. */
export interface MediaInfo {
  /** As the container says; an estimate where it does not. undefined when unknown, as for live recordings. */
  readonly durationMs?: number;
  /** Bits per second, all tracks together; undefined when unknown. */
  readonly bitRate?: number;
  /** ffmpeg's name of the container, such as `mp3` or `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  readonly audio: { readonly codec: string; readonly sampleRateHz: number; readonly channels: number };
  /** The first moving picture; cover art is none. */
  readonly video?: {
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    /** Pictures per second; undefined when it varies or is unknown. */
    readonly frameRate?: number;
  };
  /** Ends before its end; what is there can be decoded. */
  readonly isTruncated?: true;
  /** When it was recorded, where the file says so. */
  readonly createdAt?: Date;
}
