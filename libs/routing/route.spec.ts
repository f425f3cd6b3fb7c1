import type { EngineInstance } from '#contracts';
import { route, type RoutingRequest } from './index.js';
import { instanceOf, requestWith, settingsOf, snapshotOf } from './testing.js';

interface Case {
  readonly title: string;
  readonly request: RoutingRequest;
  readonly instances: readonly EngineInstance[];
  /** Ids in order. */
  readonly candidates: readonly string[];
  /** `id: code` for each rejection. */
  readonly rejections?: readonly string[];
}

const all = [instanceOf('asr'), instanceOf('local'), instanceOf('whisperx')];
const { language: namedLanguage, ...withoutLanguage } = requestWith();
const multilingual = { languages: ['*'], languageDetection: true };

const cases: readonly Case[] = [
  { title: 'gives nothing for nothing', request: requestWith(), instances: [], candidates: [] },
  {
    title: 'prefers asr, then whisperx, then local',
    request: requestWith(),
    instances: all,
    candidates: ['asr', 'whisperx', 'local'],
  },
  {
    title: 'keeps to a named engine',
    request: requestWith({ engine: 'local', allowFallback: false }),
    instances: all,
    candidates: ['local'],
    rejections: ['asr: other_engine', 'whisperx: other_engine'],
  },
  {
    title: 'puts a named engine first where others may stand in',
    request: requestWith({ engine: 'local' }),
    instances: all,
    candidates: ['local', 'asr', 'whisperx'],
  },
  {
    title: 'lets auto choose although fallback is off',
    request: requestWith({ allowFallback: false }),
    instances: all,
    candidates: ['asr', 'whisperx', 'local'],
  },
  {
    title: 'gives nobody when the named engine is absent',
    request: requestWith({ engine: 'whisperx', allowFallback: false }),
    instances: [instanceOf('local')],
    candidates: [],
    rejections: ['local: other_engine'],
  },
  {
    title: 'rejects engines that do not know the language',
    request: requestWith({ language: 'de' }),
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: { languages: ['en', 'de'] } })],
    candidates: ['whisperx'],
    rejections: ['asr: language'],
  },
  {
    title: 'takes a bare language for all its regions',
    request: requestWith({ language: 'en-GB' }),
    instances: [instanceOf('local')],
    candidates: ['local'],
  },
  {
    title: 'takes an engine of one region for the bare language',
    request: requestWith({ language: 'en' }),
    instances: [instanceOf('asr', { capabilities: { languages: ['en-US'] } })],
    candidates: ['asr'],
  },
  {
    title: 'does not take one region for another',
    request: requestWith({ language: 'en-GB' }),
    instances: [instanceOf('asr', { capabilities: { languages: ['en-US'] } })],
    candidates: [],
    rejections: ['asr: language'],
  },
  {
    title: 'takes an engine of all languages for any',
    request: requestWith({ language: 'yo' }),
    instances: [instanceOf('whisperx', { capabilities: multilingual })],
    candidates: ['whisperx'],
  },
  {
    title: 'looks at languages also under warn: they are no feature',
    request: requestWith({ language: 'de', onUnsupported: 'warn' }),
    instances: [instanceOf('local')],
    candidates: [],
    rejections: ['local: language'],
  },
  {
    title: 'prefers an engine that detects the language where none is named',
    request: withoutLanguage,
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: multilingual })],
    candidates: ['whisperx', 'asr'],
  },
  {
    title: 'takes an engine of one language where none is named and nobody detects',
    request: withoutLanguage,
    instances: [instanceOf('local')],
    candidates: ['local'],
  },
  {
    title: 'ignores detection where the language is named',
    request: { ...withoutLanguage, language: namedLanguage ?? 'en' },
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: multilingual })],
    candidates: ['asr', 'whisperx'],
  },
  {
    title: 'looks for a named model in every engine under auto',
    request: requestWith({ model: 'whisperx-model' }),
    instances: all,
    candidates: ['whisperx'],
    rejections: ['asr: model', 'local: model'],
  },
  {
    title: 'rejects a named engine without the named model',
    request: requestWith({ engine: 'local', allowFallback: false, model: 'huge' }),
    instances: [instanceOf('local')],
    candidates: [],
    rejections: ['local: model'],
  },
  {
    title: 'does not ask the model of an engine that stands in',
    request: requestWith({ engine: 'whisperx', model: 'whisperx-model' }),
    instances: all,
    candidates: ['whisperx', 'asr', 'local'],
  },
  {
    title: 'rejects a named model where the backend decides about models',
    request: requestWith({ model: 'any' }),
    instances: [instanceOf('asr', { capabilities: { models: [], defaultModel: '' } })],
    candidates: [],
    rejections: ['asr: model'],
  },
  {
    title: 'requires diarization when it is asked for',
    request: requestWith({ diarization: true }),
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: { diarization: true } })],
    candidates: ['whisperx'],
    rejections: ['asr: diarization'],
  },
  {
    title: 'requires word timestamps when they are asked for',
    request: requestWith({ wordTimestamps: true }),
    instances: [instanceOf('asr', { capabilities: { wordTimestamps: true } }), instanceOf('local')],
    candidates: ['asr'],
    rejections: ['local: word_timestamps'],
  },
  {
    title: 'requires translation when it is asked for',
    request: requestWith({ task: 'translate' }),
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: { translation: true } })],
    candidates: ['whisperx'],
    rejections: ['asr: translation'],
  },
  {
    title: 'names the first feature that is missing',
    request: requestWith({ task: 'translate', diarization: true, wordTimestamps: true }),
    instances: [instanceOf('whisperx', { capabilities: { translation: true } })],
    candidates: [],
    rejections: ['whisperx: diarization'],
  },
  {
    title: 'turns features into wishes under warn',
    request: requestWith({ diarization: true, onUnsupported: 'warn' }),
    instances: [instanceOf('asr'), instanceOf('whisperx', { capabilities: { diarization: true } })],
    candidates: ['whisperx', 'asr'],
  },
  {
    title: 'puts the engine that meets more wishes first under warn',
    request: requestWith({ diarization: true, wordTimestamps: true, onUnsupported: 'warn' }),
    instances: [
      instanceOf('asr', { capabilities: { wordTimestamps: true } }),
      instanceOf('local'),
      instanceOf('whisperx', { capabilities: { wordTimestamps: true, diarization: true } }),
    ],
    candidates: ['whisperx', 'asr', 'local'],
  },
  {
    title: 'keeps a named engine first under warn though it meets fewer wishes',
    request: requestWith({ engine: 'local', diarization: true, onUnsupported: 'warn' }),
    instances: [instanceOf('local'), instanceOf('whisperx', { capabilities: { diarization: true } })],
    candidates: ['local', 'whisperx'],
  },
  {
    title: 'leaves features alone that nobody asked for',
    request: requestWith(),
    instances: [instanceOf('whisperx', { capabilities: { diarization: true } }), instanceOf('asr')],
    candidates: ['asr', 'whisperx'],
  },
  {
    title: 'rejects audio that is too long',
    request: requestWith({ audioMs: 60_001 }),
    instances: [instanceOf('asr', { capabilities: { maxAudioMs: 60_000 } }), instanceOf('local')],
    candidates: ['local'],
    rejections: ['asr: audio_too_long'],
  },
  {
    title: 'takes audio of just the longest length',
    request: requestWith({ audioMs: 60_000 }),
    instances: [instanceOf('asr', { capabilities: { maxAudioMs: 60_000 } })],
    candidates: ['asr'],
  },
  {
    title: 'does not look at the limit while the length is unknown',
    request: requestWith(),
    instances: [instanceOf('asr', { capabilities: { maxAudioMs: 1 } })],
    candidates: ['asr'],
  },
  ...(['unavailable', 'starting', 'draining'] as const).map((state) => ({
    title: `passes over an instance that is ${state}`,
    request: requestWith(),
    instances: [instanceOf('asr', { state }), instanceOf('local')],
    candidates: ['local'],
    rejections: ['asr: not_serving'],
  })),
  {
    title: 'gives the lack before the health: it is the one that stays',
    request: requestWith({ language: 'de' }),
    instances: [instanceOf('asr', { state: 'unavailable' })],
    candidates: [],
    rejections: ['asr: language'],
  },
  {
    title: 'passes over an instance without a free place',
    request: requestWith(),
    instances: [instanceOf('asr', { inFlight: 2 }), instanceOf('local')],
    candidates: ['local'],
    rejections: ['asr: full'],
  },
  {
    title: 'passes over an instance with more calls than places',
    request: requestWith(),
    instances: [instanceOf('asr', { inFlight: 9 })],
    candidates: [],
    rejections: ['asr: full'],
  },
  {
    title: 'takes the less loaded of two instances',
    request: requestWith(),
    instances: [instanceOf('asr', { id: 'a', inFlight: 1 }), instanceOf('asr', { id: 'b' })],
    candidates: ['b', 'a'],
  },
  {
    title: 'weighs load by places, not by calls',
    request: requestWith(),
    instances: [
      instanceOf('asr', { id: 'a', inFlight: 1, capabilities: { maxConcurrency: 2 } }),
      instanceOf('asr', { id: 'b', inFlight: 2, capabilities: { maxConcurrency: 10 } }),
    ],
    candidates: ['b', 'a'],
  },
  {
    title: 'takes the faster of two equally loaded instances',
    request: requestWith(),
    instances: [instanceOf('asr', { id: 'a', speed: 10 }), instanceOf('asr', { id: 'b', speed: 40 })],
    candidates: ['b', 'a'],
  },
  {
    title: 'takes load before speed',
    request: requestWith(),
    instances: [instanceOf('asr', { id: 'a', speed: 99, inFlight: 1 }), instanceOf('asr', { id: 'b', speed: 1 })],
    candidates: ['b', 'a'],
  },
  {
    title: 'takes the preferred engine before the less loaded one',
    request: requestWith(),
    instances: [instanceOf('local'), instanceOf('asr', { inFlight: 1 })],
    candidates: ['asr', 'local'],
  },
  {
    title: 'orders equals by id',
    request: requestWith(),
    instances: [instanceOf('asr', { id: 'b' }), instanceOf('asr', { id: 'a' })],
    candidates: ['a', 'b'],
  },
  {
    title: 'passes over an instance that has just failed the work',
    request: requestWith({ triedInstances: new Set(['asr']) }),
    instances: all,
    candidates: ['whisperx', 'local'],
    rejections: ['asr: tried'],
  },
  {
    title: 'prefers another engine to another instance of the one that failed',
    request: requestWith({ triedInstances: new Set(['a']) }),
    instances: [instanceOf('asr', { id: 'a' }), instanceOf('asr', { id: 'b' }), instanceOf('local')],
    candidates: ['local', 'b'],
    rejections: ['a: tried'],
  },
  {
    title: 'takes another instance of a named engine before one that stands in',
    request: requestWith({ engine: 'asr', triedInstances: new Set(['a']) }),
    instances: [instanceOf('asr', { id: 'a' }), instanceOf('asr', { id: 'b' }), instanceOf('local')],
    candidates: ['b', 'local'],
    rejections: ['a: tried'],
  },
  {
    title: 'takes the engine that an unreliable one of its kind stands behind',
    request: requestWith(),
    instances: [instanceOf('asr', { id: 'a', stats: { errorRate: 0.4 } }), instanceOf('asr', { id: 'b' })],
    candidates: ['b', 'a'],
  },
  {
    title: 'puts a preferred engine last that fails more than half of its calls',
    request: requestWith(),
    instances: [instanceOf('asr', { stats: { errorRate: 0.6 } }), instanceOf('local')],
    candidates: ['local', 'asr'],
  },
  {
    title: 'keeps a preferred engine first that fails now and then',
    request: requestWith(),
    instances: [instanceOf('asr', { stats: { errorRate: 0.5 } }), instanceOf('local')],
    candidates: ['asr', 'local'],
  },
  {
    title: 'keeps a named engine first that fails more than half of its calls',
    request: requestWith({ engine: 'asr' }),
    instances: [instanceOf('asr', { stats: { errorRate: 0.9 } }), instanceOf('local')],
    candidates: ['asr', 'local'],
  },
];

describe('route', () => {
  it.each(cases)('$title', ({ request, instances, candidates, rejections }) => {
    const decision = route(request, snapshotOf(...instances));
    expect(decision.candidates.map(({ instance }) => instance.id)).toEqual(candidates);
    expect(decision.rejections.map(({ instance, code }) => `${instance.id}: ${code}`)).toEqual(rejections ?? []);
  });

  it('takes the preference from the policy', () => {
    const decision = route(requestWith(), snapshotOf(...all), settingsOf({ kind: 'prefer', engines: ['local'] }));
    expect(decision.candidates[0]?.instance.id).toBe('local');
  });

  it('says why an instance is down', () => {
    const [rejection] = route(
      requestWith(),
      snapshotOf(instanceOf('asr', { state: 'unavailable', reason: 'connection refused' })),
    ).rejections;
    expect(rejection?.detail).toBe('asr is unavailable: connection refused.');
    expect(rejection?.permanent).toBe(false);
  });
});
