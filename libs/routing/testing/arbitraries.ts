import fc from 'fast-check';
import { engineChoices, engineKinds, type EngineInstance, healthStates, profiles } from '#contracts';
import type { RoutingRequest } from '../routing-request.js';
import { instanceOf } from '../testing.js';

/** Any request. */
export const arbitraryRequest: fc.Arbitrary<RoutingRequest> = fc
  .record({
    engine: fc.constantFrom(...engineChoices),
    allowFallback: fc.boolean(),
    language: fc.constantFrom(undefined, 'en', 'en-US', 'de'),
    model: fc.constantFrom(undefined, 'asr-model', 'other'),
    task: fc.constantFrom('transcribe' as const, 'translate' as const),
    profile: fc.constantFrom(...profiles),
    diarization: fc.boolean(),
    wordTimestamps: fc.boolean(),
    withoutPunctuation: fc.boolean(),
    profanityFilter: fc.boolean(),
    verbatim: fc.boolean(),
    onUnsupported: fc.constantFrom('refuse' as const, 'warn' as const),
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

/** Any instance, with one of six ids. */
export const arbitraryInstance: fc.Arbitrary<EngineInstance> = fc
  .record({
    engine: fc.constantFrom(...engineKinds),
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    state: fc.constantFrom(...healthStates),
    inFlight: fc.nat(3),
    speed: fc.nat(50),
    languages: fc.subarray(['en', 'en-US', 'de', '*']),
    models: fc.subarray(['asr-model', 'other']),
    flags: fc.record(Object.fromEntries(flagNames.map((name) => [name, fc.boolean()]))),
    maxAudioMs: fc.constantFrom(undefined, 100),
    maxConcurrency: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ engine, id, state, inFlight, speed, flags, ...capabilities }) =>
    instanceOf(engine, { id, state, inFlight, speed, capabilities: { ...capabilities, ...flags } }),
  );
