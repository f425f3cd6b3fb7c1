import type { RivaSettings } from '#config';
import type { EngineRequest } from '#contracts';
import type { riva } from '#protos';
import type { AudioFeed } from './audio-feed.js';
import type { RivaBackend } from './riva-backend.js';
import type { RivaBackends } from './riva-backends.js';
import type { ModelChoice } from './riva-models.js';
import type { TranscriptAssembly } from './transcript-assembly.js';

/** What a call of the engine works with. */
export interface RivaCallSettings {
  readonly backends: RivaBackends;
  readonly settings: RivaSettings;
  readonly request: EngineRequest;
  readonly model: ModelChoice;
  readonly config: riva.RecognitionConfig;
  readonly signal: AbortSignal;
  /** How long audio may pause before silence is sent; see `RivaStream`. */
  readonly keepAliveMs?: number | undefined;
}

/** What one try at a call works with. */
export interface Attempt extends Omit<RivaCallSettings, 'backends' | 'model'> {
  readonly backend: RivaBackend;
  readonly feed: AudioFeed;
  readonly assembly: TranscriptAssembly;
}
