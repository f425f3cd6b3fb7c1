import fc from 'fast-check';
import {
  breakerStates,
  engineChoices,
  engineKinds,
  type EngineInstance,
  healthStates,
  profiles,
  type RegistrySnapshot,
} from '#contracts';
import type { RoutingRequest } from '../routing-request.js';
import type { RoutingPolicy, RoutingSettings } from '../routing-policy.js';
import { instanceOf, snapshotOf } from '../testing.js';

/** So that most requests can be served by somebody. */
const rarely = fc.constantFrom(false, false, false, true);

/** Any request. */
export const arbitraryRequest: fc.Arbitrary<RoutingRequest> = fc
  .record({
    engine: fc.constantFrom(...engineChoices),
    allowFallback: fc.boolean(),
    language: fc.constantFrom(undefined, 'en', 'en-US', 'de'),
    model: fc.constantFrom(undefined, undefined, 'asr-model', 'other'),
    task: fc.constantFrom('transcribe' as const, 'transcribe' as const, 'translate' as const),
    profile: fc.constantFrom(...profiles),
    diarization: rarely,
    wordTimestamps: rarely,
    withoutPunctuation: rarely,
    profanityFilter: rarely,
    verbatim: rarely,
    onUnsupported: fc.constantFrom('refuse' as const, 'warn' as const),
    engineOptions: fc.constantFrom({}, {}, { asr: { beam: '5' } }, { local: { beam: 'x' } }),
    audioMs: fc.constantFrom(undefined, 10, 1000),
    triedInstances: fc.constantFrom(undefined, new Set(['a'])),
  })
  .map(({ language, model, audioMs, triedInstances, ...rest }) => ({
    ...rest,
    ...(language === undefined ? {} : { language }),
    ...(model === undefined ? {} : { model }),
    ...(audioMs === undefined ? {} : { audioMs }),
    ...(triedInstances === undefined ? {} : { triedInstances }),
  }));

const flagNames = [
  ...(['languageDetection', 'wordTimestamps', 'diarization', 'translation'] as const),
  ...(['punctuationControl', 'profanityFilter', 'verbatim'] as const),
];

const arbitraryStats = fc
  .record({
    calls: fc.nat(100),
    realTimeFactor: fc.constantFrom(undefined, 0.01, 0.05, 0.3),
    errorRate: fc.constantFrom(0, 0.1, 0.5, 0.51, 0.97, 1),
    queueMs: fc.nat(5_000),
    recentErrors: fc.nat(3),
  })
  .map(({ realTimeFactor, ...rest }) => ({ ...rest, ...(realTimeFactor === undefined ? {} : { realTimeFactor }) }));

const arbitraryBreaker = fc.record({
  state: fc.constantFrom('closed' as const, 'closed' as const, ...breakerStates),
  since: fc.nat(3).map((seconds) => new Date(seconds * 1000)),
  reason: fc.constant(''),
});

const arbitraryInstance: fc.Arbitrary<EngineInstance> = fc
  .record({
    engine: fc.constantFrom(...engineKinds),
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    // Mostly well, so that many are left to be ordered.
    state: fc.constantFrom('serving' as const, 'serving' as const, 'serving' as const, ...healthStates),
    inFlight: fc.nat(3),
    speed: fc.nat(50),
    stats: arbitraryStats,
    breaker: arbitraryBreaker,
    languages: fc.constantFrom(['*'], ['en', 'de'], ['en'], ['en-US'], []),
    models: fc.subarray(['asr-model', 'other']),
    flags: fc.record(Object.fromEntries(flagNames.map((name) => [name, fc.boolean()]))),
    options: fc.constantFrom([], [{ name: 'beam', description: '', type: 'integer' as const }]),
    maxAudioMs: fc.constantFrom(undefined, undefined, 100),
    maxConcurrency: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ engine, id, state, inFlight, speed, stats, breaker, flags, ...capabilities }) =>
    instanceOf(engine, { id, state, inFlight, speed, stats, breaker, capabilities: { ...capabilities, ...flags } }),
  );

/** Up to six instances. */
export const arbitrarySnapshot: fc.Arbitrary<RegistrySnapshot> = fc
  .uniqueArray(arbitraryInstance, { maxLength: 6, selector: ({ id }) => id })
  .map((instances) => snapshotOf(...instances));

const arbitraryPolicy: fc.Arbitrary<RoutingPolicy> = fc.oneof(
  fc.shuffledSubarray([...engineKinds]).map((engines) => ({ kind: 'prefer' as const, engines })),
  fc.constantFrom('fastest' as const, 'least-loaded' as const, 'cheapest' as const).map((kind) => ({ kind })),
);

/** One policy for everything, and any costs. */
export const arbitrarySettings: fc.Arbitrary<RoutingSettings> = fc.record({
  rules: arbitraryPolicy.map((policy) => [{ policy }]),
  costs: fc.record({ asr: fc.nat(3), whisperx: fc.nat(3), local: fc.nat(3) }),
});
