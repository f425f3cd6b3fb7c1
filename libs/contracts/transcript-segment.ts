import type { EngineKind } from './engine.js';

/** A word with its time from the start of the audio. */
export interface TranscriptWord {
  readonly text: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly confidence?: number;
  readonly speakerTag?: number;
  readonly interpolated?: boolean;
  /** Which engine it is taken from, where several voted. */
  readonly engine?: EngineKind;
}

/** A stretch of text with times from the start of the audio. */
export interface TranscriptSegment {
  /** Unique within the transcript and the same in the `delta` event: `<span>-<n>`. */
  readonly id: string;
  /** Index of the span that gave it. */
  readonly span: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
  readonly speakerTag?: number;
  /** From 0, where channels were kept apart. */
  readonly channel?: number;
  readonly confidence?: number;
  /** Who wrote it; told of finished transcripts by more than one kind of engine. */
  readonly engine?: EngineKind;
  readonly words?: readonly TranscriptWord[];
}
