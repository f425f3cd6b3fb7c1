import type { ErrorCode } from './error-table.js';
import type { EngineKind } from './engine.js';
import type { TranscriptWarning } from './speech-engine.port.js';
import type { TranscriptSegment } from './transcript-segment.js';

/** What one of several engines made of a recording. */
export interface LaneTranscript {
  readonly engine: EngineKind;
  /** Empty where the engine failed before it said. */
  readonly model: string;
  /** Empty where the engine failed before it said. */
  readonly language: string;
  /** In time order; none where the engine failed. */
  readonly segments: readonly TranscriptSegment[];
  readonly warnings: readonly TranscriptWarning[];
  /** Why there is no text of it; undefined where it went through the whole recording. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** A stretch of the recording on which all engines agree word for word, or do not. */
export interface ComparisonRun {
  readonly startMs: number;
  readonly endMs: number;
  /** From 0, where channels were kept apart. */
  readonly channel?: number;
  readonly agreed: boolean;
  /** What each engine has there, in the order of `Comparison.engines`; an empty text where it has nothing. */
  readonly texts: readonly string[];
}

/** How far two engines agree. */
export interface PairAgreement {
  readonly engines: readonly [EngineKind, EngineKind];
  /** 0 to 1: words in common over words of either, set side by side. */
  readonly agreement: number;
}

/** What several engines made of one recording, side by side. */
export interface Comparison {
  /** Those that went through the whole recording, preferred first. */
  readonly engines: readonly EngineKind[];
  /** Mean over the pairs; 1 where there is one engine alone. */
  readonly agreement: number;
  readonly pairs: readonly PairAgreement[];
  /** In time order, channel by channel. */
  readonly diff: readonly ComparisonRun[];
}
