import {
  type EngineCapabilities,
  type EngineDescription,
  type EngineOption,
  type HealthState,
  isEngineKind,
  type OptionType,
} from '#contracts';
import * as wire from '../engine-v1.js';
import { durationToMs, msToDuration } from './duration.mapper.js';
import { type WireFault, WireReader } from './wire-fault.js';

const healthStates: Readonly<Record<HealthState, wire.HealthState>> = {
  serving: wire.HealthState.SERVING,
  unavailable: wire.HealthState.UNAVAILABLE,
  starting: wire.HealthState.STARTING,
  draining: wire.HealthState.DRAINING,
};

const optionTypes: Readonly<Record<OptionType, wire.OptionType>> = {
  text: wire.OptionType.TEXT,
  flag: wire.OptionType.FLAG,
  integer: wire.OptionType.INTEGER,
  number: wire.OptionType.NUMBER,
};

export function toWireDescription(description: EngineDescription): wire.EngineDescription {
  const { maxAudioMs, options = [], ...capabilities } = description.capabilities;
  return {
    engine: description.engine,
    capabilities: {
      ...capabilities,
      languages: [...capabilities.languages],
      models: [...capabilities.models],
      options: options.map((option) => toWireOption(option)),
      maxAudioDuration: maxAudioMs === undefined ? undefined : msToDuration(maxAudioMs),
    },
    health: { state: healthStates[description.health.state], reason: description.health.reason },
    backendUri: description.backendUri,
    version: description.version,
  };
}

function toWireOption({ name, description, type, min, max, values = [] }: EngineOption): wire.EngineOption {
  return { name, description, type: optionTypes[type], minimum: min, maximum: max, values: [...values] };
}

/** @throws PolyscribeError with the code `fault` that names the field which is missing or cannot be */
export function fromWireDescription(message: wire.EngineDescription | undefined, fault: WireFault): EngineDescription {
  const read: WireReader = new WireReader(fault);
  const { engine, capabilities, health, backendUri, version } = read.present('description', message);
  if (!isEngineKind(engine)) read.fail('description.engine', 'is not an engine that is known here');
  const { state, reason } = read.present('description.health', health);
  return {
    engine,
    capabilities: fromWireCapabilities(read.present('description.capabilities', capabilities), read),
    health: {
      state: read.choice('description.health.state', state, stateOf),
      reason: read.name('description.health.reason', reason),
    },
    backendUri: read.name('description.backend_uri', backendUri),
    version: read.name('description.version', version),
  };
}

function stateOf(value: wire.HealthState): HealthState | undefined {
  return (Object.keys(healthStates) as HealthState[]).find((state) => healthStates[state] === value);
}

function fromWireCapabilities(message: wire.Capabilities, read: WireReader): EngineCapabilities {
  const at = (field: string): string => `description.capabilities.${field}`;
  const names = (field: string, values: readonly string[]): string[] =>
    read.list(at(field), values).map((value) => read.filledName(at(field), value));
  const models = names('models', message.models);
  const { defaultModel, maxAudioDuration, maxConcurrency } = message;
  if (defaultModel !== '' && !models.includes(defaultModel)) read.fail(at('default_model'), 'is not one of the models');
  return {
    languages: names('languages', message.languages),
    models,
    defaultModel,
    languageDetection: message.languageDetection,
    wordTimestamps: message.wordTimestamps,
    diarization: message.diarization,
    phraseBoosting: message.phraseBoosting,
    partialResults: message.partialResults,
    translation: message.translation,
    confidence: message.confidence,
    punctuationControl: message.punctuationControl,
    profanityFilter: message.profanityFilter,
    verbatim: message.verbatim,
    ...(message.options.length > 0 && {
      options: read.list(at('options'), message.options).map((option) => fromWireOption(option, read)),
    }),
    maxAudioMs:
      maxAudioDuration === undefined ? undefined : durationToMs(at('max_audio_duration'), maxAudioDuration, read),
    maxConcurrency: read.atLeast(at('max_concurrency'), maxConcurrency, 1),
  };
}

function fromWireOption(message: wire.EngineOption, read: WireReader): EngineOption {
  const at = (field: string): string => `description.capabilities.options.${field}`;
  const { minimum, maximum } = message;
  const values = read.list(at('values'), message.values).map((value) => read.filledName(at('values'), value));
  return {
    name: read.filledName(at('name'), message.name),
    description: read.text(at('description'), message.description),
    type: read.choice(at('type'), message.type, typeOf),
    ...(minimum !== undefined && { min: read.finite(at('minimum'), minimum) }),
    ...(maximum !== undefined && { max: read.finite(at('maximum'), maximum) }),
    ...(values.length > 0 && { values }),
  };
}

function typeOf(value: wire.OptionType): OptionType | undefined {
  return (Object.keys(optionTypes) as OptionType[]).find((type) => optionTypes[type] === value);
}
