import type { EngineInstance, ErrorCode } from '#contracts';
import { modelFor, refusal, route, type RoutingRequest } from './index.js';
import { instanceOf, requestWith, snapshotOf } from './testing.js';

interface Case {
  readonly title: string;
  readonly request: RoutingRequest;
  readonly instances: readonly EngineInstance[];
  readonly code: ErrorCode | undefined;
  readonly message?: RegExp;
}

const cases: readonly Case[] = [
  { title: 'lets auto wait when nothing is registered', request: requestWith(), instances: [], code: undefined },
  {
    title: 'lets a named engine with fallback wait when nothing is registered',
    request: requestWith({ engine: 'asr' }),
    instances: [],
    code: undefined,
  },
  {
    title: 'refuses a named engine that is not there',
    request: requestWith({ engine: 'asr', allowFallback: false }),
    instances: [instanceOf('local'), instanceOf('local', { id: 'second' })],
    code: 'no_engine',
    message: /engine asr is running\. Running: local\. Try again later/,
  },
  {
    title: 'refuses a named engine when nothing is registered',
    request: requestWith({ engine: 'asr', allowFallback: false }),
    instances: [],
    code: 'no_engine',
    message: /engine asr is running\. Try again later/,
  },
  {
    title: 'lets through what can be served',
    request: requestWith(),
    instances: [instanceOf('local')],
    code: undefined,
  },
  {
    title: 'lets through what can be served when the engine is up again',
    request: requestWith(),
    instances: [instanceOf('local', { state: 'unavailable' })],
    code: undefined,
  },
  {
    title: 'lets through what can be served when there is room again',
    request: requestWith(),
    instances: [instanceOf('local', { inFlight: 2 })],
    code: undefined,
  },
  {
    title: 'refuses a language that nobody knows and names those there are',
    request: requestWith({ language: 'de' }),
    instances: [instanceOf('local'), instanceOf('asr', { capabilities: { languages: ['en-US', 'es'] } })],
    code: 'unsupported_language',
    message: /^No engine can serve this\. .*language de\. Offered: en, en-US, es\.$/,
  },
  {
    title: 'names twenty languages at most',
    request: requestWith({ language: 'de' }),
    instances: [
      instanceOf('asr', { capabilities: { languages: Array.from({ length: 25 }, (_, n) => `x${String(n + 10)}`) } }),
    ],
    code: 'unsupported_language',
    message: /x29 and 5 more\.$/,
  },
  {
    title: 'refuses a model that nobody has and names those there are',
    request: requestWith({ model: 'huge' }),
    instances: [instanceOf('local'), instanceOf('asr')],
    code: 'model_not_found',
    message: /Offered: asr-model, local-model\./,
  },
  {
    title: 'says to leave the model out where the backend decides',
    request: requestWith({ model: 'huge' }),
    instances: [instanceOf('asr', { capabilities: { models: [] } })],
    code: 'model_not_found',
    message: /Leave the model out\./,
  },
  {
    title: 'refuses a feature that nobody has',
    request: requestWith({ engine: 'local', allowFallback: false, diarization: true }),
    instances: [instanceOf('local'), instanceOf('whisperx', { capabilities: { diarization: true } })],
    code: 'unsupported_feature',
    message: /^local cannot do diarization\. Leave it out/,
  },
  {
    title: 'refuses audio that is too long for everybody',
    request: requestWith({ audioMs: 90_000 }),
    instances: [instanceOf('asr', { capabilities: { maxAudioMs: 60_000 } })],
    code: 'payload_too_large',
    message: /at most 60 s in one piece, this has 90 s/,
  },
  {
    title: 'explains by the instance that came nearest',
    request: requestWith({ language: 'de', diarization: true }),
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: { languages: ['de'] } })],
    code: 'unsupported_feature',
    message: /whisperx cannot do diarization/,
  },
  {
    title: 'does not refuse a missing feature under warn',
    request: requestWith({ diarization: true, onUnsupported: 'warn' }),
    instances: [instanceOf('local')],
    code: undefined,
  },
];

describe('refusal', () => {
  it.each(cases)('$title', ({ request, instances, code, message }) => {
    const error = refusal(request, route(request, snapshotOf(...instances)));
    expect(error?.code).toBe(code);
    expect(error?.message ?? '').toMatch(message ?? /^$/);
  });

  it('points at the field', () => {
    const request = requestWith({ language: 'de' });
    const error = refusal(request, route(request, snapshotOf(instanceOf('local'))));
    expect(error?.fields).toEqual([{ pointer: '/language', detail: expect.stringContaining('de') as string }]);
  });
});

describe('modelFor', () => {
  const { capabilities } = instanceOf('local').description;

  it('is the named model of the named engine', () => {
    expect(modelFor(requestWith({ engine: 'local', model: 'local-model' }), 'local', capabilities)).toBe('local-model');
  });

  it('is the default of an engine that stands in and lacks the model', () => {
    expect(modelFor(requestWith({ engine: 'asr', model: 'asr-model' }), 'local', capabilities)).toBeUndefined();
  });

  it('is the default where none is named', () => {
    expect(modelFor(requestWith(), 'local', capabilities)).toBeUndefined();
  });
});
