import type { RivaSettings } from '#config';
import {
  type EngineCapabilities,
  type EngineDescription,
  type EngineEvent,
  type EngineRequest,
  PolyscribeError,
  SpeechEngine,
  type TranscriptWarning,
  normalizeLanguage,
  pcmBytesToMs,
} from '#contracts';
import { admitRequest } from '#engine-host';
import type { Logger } from '#telemetry';
import type { CallTiming } from './attempt.js';
import { boostFor } from './boosting.js';
import { maxOfflineBytes } from './offline-attempt.js';
import { recognitionConfig } from './recognition-config.js';
import { RivaBackends } from './riva-backends.js';
import { RivaCall } from './riva-call.js';
import { chooseModel, detects, languagesOf } from './riva-models.js';
import { rivaOptions } from './riva-options.js';

/**
 * Riva forgets a stream to which nothing came for a while; how long that is is not documented, 30 s is said to be safe. A
 * server that is restarted is back within the tries that the waits allow, about ten seconds.
 */
const defaultTiming: CallTiming = { keepAliveMs: 20_000, firstRetryMs: 250, mostRetryMs: 3_000 };

export interface RivaEngineOptions {
  readonly settings: RivaSettings;
  readonly logger: Logger;
  readonly timing?: Partial<CallTiming>;
}

/** NVIDIA Riva, and the Parakeet, Canary and Whisper models that NVIDIA serves in the same way. */
export class RivaEngine extends SpeechEngine {
  private readonly backends: RivaBackends;

  constructor(private readonly options: RivaEngineOptions) {
    super();
    this.backends = new RivaBackends(options.settings, options.logger);
  }

  override start(): Promise<void> {
    return this.backends.start();
  }

  override stop(): Promise<void> {
    return this.backends.stop();
  }

  describe(): EngineDescription {
    return {
      engine: 'asr',
      capabilities: this.capabilities,
      health: this.backends.health,
      backendUri: this.options.settings.uri,
      version: '1',
    };
  }

  async *transcribe(
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void> {
    if (signal.aborted) throw new PolyscribeError('cancelled', 'The call was cancelled.');
    const { settings, timing } = this.options;
    const models = this.backends.knownModels();
    const admitted = admitRequest(request, this.capabilities);
    const model = chooseModel(admitted.request, models, settings.model);
    const boost = boostFor(model.name, settings.boosts);
    const config = recognitionConfig(admitted.request, model, boost);
    for (const warning of [...admitted.warnings, ...ignored(request, boost)]) yield { type: 'warning', warning };
    const { backends } = this;
    const call = { backends, settings, request: admitted.request, model, config, signal };
    yield* new RivaCall({ ...call, timing: { ...defaultTiming, ...timing } }, audio).events();
  }

  private get capabilities(): EngineCapabilities {
    const { settings } = this.options;
    const { models, capacity } = this.backends;
    const names = [...new Set(models.map(({ name }) => name).filter((name) => name !== ''))];
    const languages = languagesOf(models);
    return {
      languages: languages.length > 0 ? languages : [normalizeLanguage(settings.language) ?? '*'],
      models: names,
      defaultModel: defaultModel(names, settings.model),
      languageDetection: models.some((model) => model.languages.some(detects)),
      wordTimestamps: true,
      diarization: settings.diarization,
      phraseBoosting: true,
      partialResults: true,
      translation: false,
      confidence: settings.confidence,
      punctuationControl: true,
      profanityFilter: true,
      verbatim: true,
      options: rivaOptions,
      // Streams take any length; a message does not.
      maxAudioMs: models.some(({ type }) => type === 'online') || models.length === 0 ? undefined : this.messageMs,
      maxConcurrency: capacity,
    };
  }

  private get messageMs(): number {
    return Math.floor(pcmBytesToMs(maxOfflineBytes(this.options.settings)));
  }
}

/** With several models the language decides which one serves. */
function defaultModel(names: readonly string[], configured: string | undefined): string {
  if (configured !== undefined && names.includes(configured)) return configured;
  return names.length === 1 ? (names[0] ?? '') : '';
}

/** What Riva takes no notice of. */
function ignored({ diarization, phrases }: EngineRequest, boost: number | 'off'): readonly TranscriptWarning[] {
  const lost = [
    ...(phrases.length > 0 && boost === 'off' ? ['The model ignores phrases'] : []),
    ...((diarization?.minSpeakers ?? 1) > 1 ? ['Riva takes no least number of speakers'] : []),
  ];
  return lost.map((what) => ({ code: 'unsupported_feature', message: `${what}; the request went on without.` }));
}
