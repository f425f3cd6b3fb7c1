import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '#config';
import type { EngineCapabilities, EngineInstance, EngineKind } from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { CONFIG } from '../tokens.js';
import { type InstanceView, instanceView } from './instance-view.js';
import { type OptionView, optionViews } from './option-view.js';

export interface EngineView {
  engine: EngineKind;
  available: boolean;
  /** Where the backend is; `url` for WhisperX, whose clients know it by that name. */
  uri?: string;
  url?: string;
  model: string;
  language: string;
  reason?: string;
  models: readonly string[];
  available_models?: readonly string[];
  languages: readonly string[];
  features: Record<string, boolean | number | null>;
  /** What a submission may say under `engine_options` for this kind. */
  engine_options: OptionView[];
  instances: InstanceView[];
  health: { status: string };
}

export interface EnginesView {
  engines: Record<EngineKind, EngineView>;
  default_engine: string;
  /** For how long no registry has been reached: what is shown is as old. Absent while one is. */
  stale_s?: number;
}

/** What operators see of the engines: each kind that there is, up or not, with the reason. */
@Injectable()
export class EnginesQuery {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(RegistryWatcher) private readonly registry: Pick<RegistryWatcher, 'snapshot' | 'connected' | 'ageMs'>,
  ) {}

  view(): EnginesView {
    const { instances } = this.registry.snapshot();
    const of = (kind: EngineKind): EngineView =>
      engineView(
        kind,
        instances.filter(({ description }) => description.engine === kind),
      );
    return {
      engines: { asr: of('asr'), whisperx: of('whisperx'), local: of('local') },
      default_engine: this.config.defaultEngine,
      ...(this.registry.connected ? {} : { stale_s: (this.registry.ageMs ?? 0) / 1000 }),
    };
  }

  /** How many instances of each kind serve, for metrics. */
  serving(): Record<EngineKind, number> {
    const { instances } = this.registry.snapshot();
    const count = (kind: EngineKind): number =>
      instances.filter(({ description: d }) => d.engine === kind && d.health.state === 'serving').length;
    return { asr: count('asr'), whisperx: count('whisperx'), local: count('local') };
  }
}

function engineView(engine: EngineKind, instances: readonly EngineInstance[]): EngineView {
  const isServing = ({ description }: EngineInstance): boolean => description.health.state === 'serving';
  const serving = instances.find(isServing);
  const closed = instances.find((instance) => isServing(instance) && instance.breaker.state === 'closed');
  const shown = closed ?? serving ?? instances[0];
  const capabilities = shown?.description.capabilities ?? nothing;
  const models = distinct(instances.flatMap(({ description }) => description.capabilities.models));
  const backendUri = shown?.description.backendUri ?? '';
  const state = shown?.description.health.state ?? 'unavailable';
  return {
    engine,
    available: serving !== undefined,
    ...(engine === 'whisperx' ? { url: backendUri, available_models: models } : { uri: backendUri }),
    model: capabilities.defaultModel,
    language: capabilities.languages[0] ?? '',
    ...(closed ? {} : { reason: reasonOf(shown) }),
    models,
    languages: distinct(instances.flatMap(({ description }) => description.capabilities.languages)),
    features: featuresOf(capabilities),
    engine_options: optionViews(instances),
    instances: instances.map(instanceView),
    health: { status: state },
  };
}

function reasonOf(instance: EngineInstance | undefined): string {
  if (!instance) return 'no instance is registered';
  const { state, reason } = instance.description.health;
  if (state === 'serving') return `called only where there is no other engine: ${instance.breaker.reason}`;
  return reason === '' ? `the engine is ${state}` : reason;
}

/** What is shown of an engine of which no instance runs. */
const nothing: EngineCapabilities = {
  languages: [],
  models: [],
  defaultModel: '',
  languageDetection: false,
  wordTimestamps: false,
  diarization: false,
  phraseBoosting: false,
  partialResults: false,
  translation: false,
  confidence: false,
  punctuationControl: false,
  profanityFilter: false,
  verbatim: false,
  maxAudioMs: undefined,
  maxConcurrency: 1,
};

function featuresOf(capabilities: EngineCapabilities): EngineView['features'] {
  return {
    language_detection: capabilities.languageDetection,
    word_timestamps: capabilities.wordTimestamps,
    diarization: capabilities.diarization,
    phrase_boosting: capabilities.phraseBoosting,
    partial_results: capabilities.partialResults,
    translation: capabilities.translation,
    confidence: capabilities.confidence,
    punctuation_control: capabilities.punctuationControl,
    profanity_filter: capabilities.profanityFilter,
    verbatim: capabilities.verbatim,
    max_audio_s: capabilities.maxAudioMs === undefined ? null : capabilities.maxAudioMs / 1000,
  };
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
