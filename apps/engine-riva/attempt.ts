import type { RivaSettings } from '#config';
import type { EngineRequest } from '#contracts';
import type { riva } from '#protos';
import type { AudioFeed } from './audio-feed.js';
import type { RivaBackend } from './riva-backend.js';
import type { RivaBackends } from './riva-backends.js';
import type { ModelChoice } from './riva-models.js';
import type { TranscriptAssembly } from './transcript-assembly.js';

export interface CallTiming {
  /** How long audio may pause before silence keeps the stream alive. */
  readonly keepAliveMs: number;
  /** How long the first new try waits; later ones wait longer, up to the second number. */
  readonly firstRetryMs: number;
  readonly mostRetryMs: number;
}

/** What a call of the engine works with. */
export interface RivaCallSettings {
  readonly backends: RivaBackends;
  readonly settings: RivaSettings;
  readonly request: EngineRequest;
  readonly model: ModelChoice;
  readonly config: riva.RecognitionConfig;
  readonly signal: AbortSignal;
  readonly timing: CallTiming;
}

/** What one try at a call works with. */
export interface Attempt extends Omit<RivaCallSettings, 'backends' | 'model'> {
  readonly backend: RivaBackend;
  readonly feed: AudioFeed;
  readonly assembly: TranscriptAssembly;
}
