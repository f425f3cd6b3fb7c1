import {
  closedBreaker,
  type EngineCapabilities,
  type EngineInstance,
  type EngineKind,
  type HealthState,
  type InstanceBreaker,
  type InstanceStats,
  type RegistrySnapshot,
  unmeasured,
} from '#contracts';
import type { RoutingPolicy, RoutingSettings } from './routing-policy.js';
import type { RoutingRequest } from './routing-request.js';

/** A request that any engine can serve, with changes. */
export function requestWith(changes: Partial<RoutingRequest> = {}): RoutingRequest {
  return {
    engine: 'auto',
    allowFallback: true,
    language: 'en',
    task: 'transcribe',
    profile: 'balanced',
    diarization: false,
    wordTimestamps: false,
    withoutPunctuation: false,
    profanityFilter: false,
    verbatim: false,
    onUnsupported: 'refuse',
    ...changes,
  };
}

export interface InstanceChanges {
  readonly id?: string;
  readonly state?: HealthState;
  readonly reason?: string;
  readonly inFlight?: number;
  readonly speed?: number;
  readonly stats?: Partial<InstanceStats>;
  readonly breaker?: Partial<InstanceBreaker>;
  readonly capabilities?: Partial<EngineCapabilities>;
}

/** A healthy, idle instance; its id is the engine's name by default. */
export function instanceOf(engine: EngineKind, changes: InstanceChanges = {}): EngineInstance {
  return {
    id: changes.id ?? engine,
    address: `${changes.id ?? engine}:1`,
    description: {
      engine,
      capabilities: {
        languages: ['en'],
        models: [`${engine}-model`],
        defaultModel: `${engine}-model`,
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
        maxConcurrency: 2,
        ...changes.capabilities,
      },
      health: { state: changes.state ?? 'serving', reason: changes.reason ?? '' },
      backendUri: '',
      version: '1.0.0',
    },
    inFlight: changes.inFlight ?? 0,
    speed: changes.speed ?? 0,
    registeredAt: new Date(0),
    lastSeenAt: new Date(0),
    stats: { ...unmeasured, ...changes.stats },
    breaker: { ...closedBreaker(new Date(0)), ...changes.breaker },
  };
}

export function snapshotOf(...instances: readonly EngineInstance[]): RegistrySnapshot {
  return { instances, revision: 1 };
}

/** Settings under which one policy holds for everything. */
export function settingsOf(policy: RoutingPolicy, costs: RoutingSettings['costs'] = {}): RoutingSettings {
  return { rules: [{ policy }], costs };
}
