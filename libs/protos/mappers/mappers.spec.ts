import {
  type EndedCall,
  type EngineDescription,
  type EngineEvent,
  type EngineOption,
  type EngineRequest,
  type ErrorCode,
  type InstanceStats,
  PolyscribeError,
  breakerStates,
  engineKinds,
  errorTable,
  healthStates,
  optionTypes,
} from '#contracts';
import fc from 'fast-check';
import * as engineV1 from '../engine-v1.js';
import * as registryV1 from '../registry-v1.js';
import { durationToMs, msToDuration } from './duration.mapper.js';
import { fromWireEndedCall, toWireEndedCall } from './ended-call.mapper.js';
import { fromWireDescription, toWireDescription } from './engine-description.mapper.js';
import { fromWireEvent, toWireEvent } from './engine-event.mapper.js';
import { fromWireInstance, fromWireLoad, toWireInstance } from './engine-instance.mapper.js';
import { fromWireConfig, toWireConfig } from './engine-request.mapper.js';
import { WireReader } from './wire-fault.js';

const name = fc.string({ maxLength: 30 });
const filled = fc.string({ minLength: 1, maxLength: 30 });
const ms = fc.integer({ min: 0, max: 86_400_000 });
/** Confidences and boosts are 32-bit on the wire. */
const fraction = fc.float({ min: 0, max: 1, noNaN: true }).map((value) => Math.abs(value));
const tag = fc.nat({ max: 50 });
const errorCode = fc.constantFrom(...(Object.keys(errorTable) as ErrorCode[]));
const language = fc.constantFrom('en', 'de', 'pt-BR', 'zh-Hant-TW', 'es-419');

const bound = fc.double({ noNaN: true, noDefaultInfinity: true });
const option: fc.Arbitrary<EngineOption> = fc.record(
  {
    name: filled,
    description: name,
    type: fc.constantFrom(...optionTypes),
    min: bound,
    max: bound,
    values: fc.array(filled, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['name', 'description', 'type'] },
);

/** Optional keys are left out, never undefined, as the domain types want it. */
const description: fc.Arbitrary<EngineDescription> = fc.record({
  engine: fc.constantFrom(...engineKinds),
  capabilities: fc.uniqueArray(filled, { minLength: 1, maxLength: 4 }).chain((models) =>
    fc.record({
      languages: fc.array(language),
      models: fc.constant(models),
      defaultModel: fc.constantFrom('', ...models),
      languageDetection: fc.boolean(),
      wordTimestamps: fc.boolean(),
      diarization: fc.boolean(),
      phraseBoosting: fc.boolean(),
      partialResults: fc.boolean(),
      translation: fc.boolean(),
      confidence: fc.boolean(),
      punctuationControl: fc.boolean(),
      profanityFilter: fc.boolean(),
      verbatim: fc.boolean(),
      options: fc.array(option, { minLength: 1, maxLength: 3 }),
      maxAudioMs: fc.option(ms, { nil: undefined }),
      maxConcurrency: fc.integer({ min: 1, max: 1000 }),
    }),
  ),
  health: fc.record({ state: fc.constantFrom(...healthStates), reason: name }),
  backendUri: name,
  version: name,
});

const request = fc.record(
  {
    requestId: name,
    language,
    model: filled,
    task: fc.constantFrom('transcribe', 'translate'),
    wordTimestamps: fc.boolean(),
    diarization: fc.record(
      { minSpeakers: fc.constantFrom(1, 2), maxSpeakers: fc.constantFrom(2, 9) },
      { requiredKeys: [] },
    ),
    phrases: fc.array(fc.record({ phrase: filled, boost: fraction }, { requiredKeys: ['phrase'] }), { maxLength: 5 }),
    profile: fc.constantFrom('fast', 'balanced', 'precise'),
    punctuation: fc.boolean(),
    profanityFilter: fc.boolean(),
    verbatim: fc.boolean(),
    engineOptions: fc.dictionary(fc.stringMatching(/^[a-z][a-z.]{0,20}$/), name, { noNullPrototype: true }),
    partialResults: fc.boolean(),
    audioMs: ms,
    onUnsupported: fc.constantFrom('refuse', 'warn'),
  },
  {
    requiredKeys: [
      'requestId',
      'task',
      'wordTimestamps',
      'phrases',
      'profile',
      'engineOptions',
      'partialResults',
      'onUnsupported',
    ],
  },
) as fc.Arbitrary<EngineRequest>;

const stretch = { text: filled, startMs: ms, endMs: ms, confidence: fraction, speakerTag: tag };
const word = fc.record({ ...stretch, interpolated: fc.constant(true) }, { requiredKeys: ['text', 'startMs', 'endMs'] });
const segment = fc.record(
  { ...stretch, words: fc.array(word, { minLength: 1, maxLength: 4 }), language },
  { requiredKeys: ['text', 'startMs', 'endMs'] },
);
const event = fc.oneof(
  fc.record({ type: fc.constant('progress'), processedMs: ms, stage: name }),
  fc.record({ type: fc.constant('partial'), text: name, startMs: ms }),
  fc.record({ type: fc.constant('segment'), segment }),
  fc.record({ type: fc.constant('warning'), warning: fc.record({ code: filled, message: name }) }),
  fc.record({ type: fc.constant('summary'), language, model: name, audioMs: ms }),
) as fc.Arbitrary<EngineEvent>;

function stats(date: fc.Arbitrary<Date>): fc.Arbitrary<InstanceStats> {
  const measure = fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs);
  return fc.record(
    {
      calls: fc.nat(),
      errorRate: fc.double({ min: 0, max: 1, noNaN: true }).map(Math.abs),
      queueMs: fc.nat({ max: 1e9 }),
      recentErrors: fc.nat(),
      realTimeFactor: measure,
      p95Ms: measure,
      lastError: fc.record({
        code: errorCode,
        message: fc.string(),
        at: date,
      }),
    },
    { requiredKeys: ['calls', 'errorRate', 'queueMs', 'recentErrors'] },
  );
}

describe('mappers', () => {
  it('give a description back as it was', () => {
    fc.assert(
      fc.property(description, (given) => {
        const bytes = engineV1.EngineDescription.encode(toWireDescription(given)).finish();
        expect(fromWireDescription(engineV1.EngineDescription.decode(bytes), 'invalid_request')).toEqual(given);
      }),
    );
  });

  it('give a request back as it was', () => {
    fc.assert(
      fc.property(request, (given) => {
        const bytes = engineV1.TranscribeConfig.encode(toWireConfig(given)).finish();
        expect(fromWireConfig(engineV1.TranscribeConfig.decode(bytes))).toEqual(given);
      }),
    );
  });

  it('give an event back as it was', () => {
    fc.assert(
      fc.property(event, (given) => {
        const bytes = engineV1.TranscribeResponse.encode(toWireEvent(given)).finish();
        expect(fromWireEvent(engineV1.TranscribeResponse.decode(bytes))).toEqual(given);
      }),
    );
  });

  it('give an instance back as it was', () => {
    const date = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true });
    const instance = fc.record({
      id: filled,
      address: fc.constantFrom('127.0.0.1:5000', '[::1]:80', 'engine-2.mesh.local:443'),
      description,
      inFlight: fc.nat({ max: 1000 }),
      speed: fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs),
      registeredAt: date,
      lastSeenAt: date,
      stats: stats(date),
      breaker: fc.record({ state: fc.constantFrom(...breakerStates), since: date, reason: fc.string() }),
    });
    fc.assert(
      fc.property(instance, (given) => {
        const bytes = registryV1.Instance.encode(toWireInstance(given)).finish();
        expect(fromWireInstance(registryV1.Instance.decode(bytes), 'invalid_request')).toEqual(given);
      }),
    );
  });

  it('give a report of a call back as it was', () => {
    const call: fc.Arbitrary<EndedCall> = fc.record(
      {
        instanceId: filled,
        audioMs: ms,
        queueMs: ms,
        workMs: ms,
        startAgeMs: ms,
        error: fc.record({ code: errorCode, message: fc.string() }),
      },
      { requiredKeys: ['instanceId', 'audioMs', 'queueMs', 'workMs', 'startAgeMs'] },
    );
    fc.assert(
      fc.property(call, (given) => {
        const bytes = registryV1.EndedCall.encode(toWireEndedCall(given)).finish();
        expect(fromWireEndedCall(registryV1.EndedCall.decode(bytes), 'invalid_request')).toEqual(given);
      }),
    );
  });

  it('keep durations to the nanosecond', () => {
    const read = new WireReader('invalid_request');
    fc.assert(
      fc.property(fc.double({ min: 0, max: 86_400_000, noNaN: true }), (given) => {
        const duration = msToDuration(given);
        expect(duration.nanos).toBeLessThan(1e9);
        expect(Math.abs(durationToMs('x', duration, read) - given)).toBeLessThan(2e-6);
      }),
    );
  });

  it.each([
    ['absent', undefined],
    ['negative', { seconds: -1, nanos: 0 }],
    ['with nanoseconds below zero', { seconds: 1, nanos: -1 }],
    ['with a second of nanoseconds', { seconds: 0, nanos: 1e9 }],
    ['longer than a year', { seconds: 1e12, nanos: 0 }],
    ['that is not a number', { seconds: Number.NaN, nanos: 0 }],
  ])('refuse a duration %s', (_what, duration) => {
    expect(() => durationToMs('x', duration, new WireReader('engine_bad_response'))).toThrow(/^x (is missing|must be)/);
  });
});

describe('mappers on hostile input', () => {
  const duration = { seconds: 1, nanos: 0 };
  const responses: [string, Parameters<typeof engineV1.TranscribeResponse.fromPartial>[0]][] = [
    ['no event', {}],
    ['a segment without times', { event: { $case: 'segment', value: { text: 'a' } } }],
    ['a segment without text', { event: { $case: 'segment', value: { startOffset: duration, endOffset: duration } } }],
    [
      'a confidence over 1',
      { event: { $case: 'segment', value: { startOffset: duration, endOffset: duration, text: 'a', confidence: 2 } } },
    ],
    [
      'a negative speaker tag',
      { event: { $case: 'segment', value: { startOffset: duration, endOffset: duration, text: 'a', speakerTag: -1 } } },
    ],
    ['a progress without offset', { event: { $case: 'progress', value: { stage: 'x' } } }],
    ['a warning without code', { event: { $case: 'warning', value: { message: 'x' } } }],
    ['a summary without length', { event: { $case: 'summary', value: { model: 'x' } } }],
  ];

  it.each(responses)('blame the engine for %s', (_what, partial) => {
    const message = engineV1.TranscribeResponse.fromPartial(partial);
    expect(codeThrownBy(() => fromWireEvent(message))).toBe('engine_bad_response');
  });

  const configs: [string, Partial<engineV1.TranscribeConfig>][] = [
    ['a language that is none', { language: 'english please' }],
    ['an unknown task', { task: engineV1.Task.UNRECOGNIZED }],
    ['an unknown profile', { profile: engineV1.Profile.UNRECOGNIZED }],
    ['an unknown policy', { unsupportedPolicy: engineV1.UnsupportedPolicy.UNRECOGNIZED }],
    ['a negative number of speakers', { diarization: { minSpeakers: -1, maxSpeakers: 0 } }],
    ['more speakers at least than at most', { diarization: { minSpeakers: 3, maxSpeakers: 2 } }],
    ['an empty phrase', { phrases: [{ phrase: '' }] }],
    ['a boost that is not a number', { phrases: [{ phrase: 'a', boost: Number.NaN }] }],
    ['an engine option without end', { engineOptions: { beam: '5'.repeat(10_000) } }],
    ['a model name without end', { model: 'm'.repeat(10_000) }],
  ];

  it.each(configs)('refuse a request with %s', (_what, partial) => {
    const message = engineV1.TranscribeConfig.fromPartial(partial);
    expect(codeThrownBy(() => fromWireConfig(message))).toBe('invalid_request');
  });

  it('fill in what an empty request leaves out', () => {
    expect(fromWireConfig(engineV1.TranscribeConfig.create())).toEqual({
      requestId: '',
      task: 'transcribe',
      wordTimestamps: false,
      phrases: [],
      profile: 'balanced',
      engineOptions: {},
      partialResults: false,
      onUnsupported: 'refuse',
    });
  });

  it.each([
    ['engine', { engine: 'parrot' }],
    ['state', { health: { state: 0, reason: '' } }],
    ['health', { health: undefined }],
    ['capabilities', { capabilities: undefined }],
  ])('refuse a description whose %s is not known', (field, change) => {
    const [sample] = fc.sample(description, 1);
    if (!sample) throw new Error('fast-check gave nothing.');
    const message = { ...toWireDescription(sample), ...change };
    expect(() => fromWireDescription(message, 'invalid_request')).toThrow(field);
  });

  it('refuse an address without a port and a load below zero', () => {
    const instance = registryV1.Instance.fromPartial({ instanceId: 'a', address: 'nowhere' });
    expect(() => fromWireInstance(instance, 'invalid_request')).toThrow('address is not host:port');
    const load = { inFlightCount: -1, speed: 0 };
    expect(() => fromWireLoad(load, 'invalid_request')).toThrow('load.in_flight_count');
  });
});

function codeThrownBy(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof PolyscribeError) return error.code;
    throw error;
  }
  return 'nothing';
}
