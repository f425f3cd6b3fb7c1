import { type EngineCapabilities, type EngineKind, languageMatches } from '#contracts';
import { optionLacks } from './engine-options.js';
import type { RoutingRequest } from './routing-request.js';

/** Why an instance can never serve a request as things are, in the order in which they are looked at. */
export const lackCodes = [
  'other_engine',
  'language',
  'model',
  'translation',
  'diarization',
  'word_timestamps',
  'punctuation_control',
  'profanity_filter',
  'verbatim',
  'engine_option',
  'audio_too_long',
] as const;
export type LackCode = (typeof lackCodes)[number];

export interface Lack {
  readonly code: LackCode;
  /** A sentence for people. */
  readonly detail: string;
}

interface Feature {
  readonly code: LackCode;
  readonly name: string;
  wanted(request: RoutingRequest): boolean;
  offered(capabilities: EngineCapabilities): boolean;
}

const features: readonly Feature[] = [
  {
    code: 'translation',
    name: 'translation to English',
    wanted: (request) => request.task === 'translate',
    offered: (capabilities) => capabilities.translation,
  },
  {
    code: 'diarization',
    name: 'diarization',
    wanted: (request) => request.diarization,
    offered: (capabilities) => capabilities.diarization,
  },
  {
    code: 'word_timestamps',
    name: 'word timestamps',
    wanted: (request) => request.wordTimestamps,
    offered: (capabilities) => capabilities.wordTimestamps,
  },
  {
    code: 'punctuation_control',
    name: 'text without punctuation',
    wanted: (request) => request.withoutPunctuation,
    offered: (capabilities) => capabilities.punctuationControl,
  },
  {
    code: 'profanity_filter',
    name: 'masking of swear words',
    wanted: (request) => request.profanityFilter,
    offered: (capabilities) => capabilities.profanityFilter,
  },
  {
    code: 'verbatim',
    name: 'verbatim text',
    wanted: (request) => request.verbatim,
    offered: (capabilities) => capabilities.verbatim,
  },
];

/** The first requirement of the request that the engine cannot meet; undefined when it can serve. */
export function firstLack(
  request: RoutingRequest,
  engine: EngineKind,
  capabilities: EngineCapabilities,
): Lack | undefined {
  return (
    engineLack(request, engine) ??
    languageLack(request, engine, capabilities) ??
    modelLack(request, engine, capabilities) ??
    featureLack(request, engine, capabilities) ??
    optionLack(request, engine, capabilities) ??
    lengthLack(request, engine, capabilities)
  );
}

/**
 * The model to ask an engine for. A named model belongs to the engine that the client had in mind: an engine that stands
 * in for a named one takes its own default where it does not have that model.
 */
export function modelFor(
  request: RoutingRequest,
  engine: EngineKind,
  capabilities: EngineCapabilities,
): string | undefined {
  if (request.model === undefined || capabilities.models.includes(request.model)) return request.model;
  return standsIn(request, engine) ? undefined : request.model;
}

/** How many things that are wished for, but not required, the engine lacks. */
export function countUnmetWishes(request: RoutingRequest, capabilities: EngineCapabilities): number {
  const unmet = features.filter((feature) => feature.wanted(request) && !feature.offered(capabilities)).length;
  // Without a named language, an engine of one language would write down other languages as nonsense.
  return unmet + (request.language === undefined && !capabilities.languageDetection ? 1 : 0);
}

function standsIn(request: RoutingRequest, engine: EngineKind): boolean {
  return request.engine !== 'auto' && request.engine !== engine;
}

function engineLack(request: RoutingRequest, engine: EngineKind): Lack | undefined {
  if (!standsIn(request, engine) || request.allowFallback) return undefined;
  return {
    code: 'other_engine',
    detail: `The request names ${request.engine}, this is ${engine}, and fallback is not allowed.`,
  };
}

function languageLack(request: RoutingRequest, engine: EngineKind, offered: EngineCapabilities): Lack | undefined {
  const wanted = request.language;
  if (wanted === undefined || offered.languages.some((language) => languageMatches(language, wanted))) return undefined;
  return { code: 'language', detail: `${engine} does not know the language ${wanted}.` };
}

function modelLack(request: RoutingRequest, engine: EngineKind, offered: EngineCapabilities): Lack | undefined {
  const model = modelFor(request, engine, offered);
  if (model === undefined || offered.models.includes(model)) return undefined;
  return { code: 'model', detail: `${engine} does not have the model ${model}.` };
}

function featureLack(request: RoutingRequest, engine: EngineKind, offered: EngineCapabilities): Lack | undefined {
  if (request.onUnsupported === 'warn') return undefined;
  const missing = features.find((feature) => feature.wanted(request) && !feature.offered(offered));
  return missing && { code: missing.code, detail: `${engine} cannot do ${missing.name}.` };
}

function optionLack(request: RoutingRequest, engine: EngineKind, offered: EngineCapabilities): Lack | undefined {
  const [first] = optionLacks(request, engine, offered);
  return (
    first && { code: 'engine_option', detail: `The engine option ${first.key} of ${engine} ${first.detail} here.` }
  );
}

function lengthLack(request: RoutingRequest, engine: EngineKind, offered: EngineCapabilities): Lack | undefined {
  if (request.audioMs === undefined || offered.maxAudioMs === undefined) return undefined;
  if (request.audioMs <= offered.maxAudioMs) return undefined;
  return {
    code: 'audio_too_long',
    detail: `${engine} takes at most ${seconds(offered.maxAudioMs)} s in one piece, this has ${seconds(request.audioMs)} s.`,
  };
}

function seconds(ms: number): string {
  return String(Math.round(ms / 100) / 10);
}
