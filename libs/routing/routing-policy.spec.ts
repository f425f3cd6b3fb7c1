import type { EngineInstance, EngineKind } from '#contracts';
import {
  defaultRules,
  policyFor,
  route,
  type RoutingPolicy,
  type RoutingRequest,
  type RoutingSettings,
} from './index.js';
import { instanceOf, requestWith, settingsOf, snapshotOf } from './testing.js';

const { language: english, ...withoutLanguage } = requestWith();

function prefer(...engines: EngineKind[]): RoutingPolicy {
  return { kind: 'prefer', engines };
}

describe('the default rules', () => {
  const cases: [string, RoutingRequest, RoutingPolicy][] = [
    ['fast', requestWith({ profile: 'fast' }), { kind: 'fastest' }],
    ['fast in any language', requestWith({ profile: 'fast', language: 'ja' }), { kind: 'fastest' }],
    ['balanced in English', requestWith({ language: english ?? 'en' }), prefer('asr', 'whisperx', 'local')],
    ['balanced in the English of a region', requestWith({ language: 'en-IN' }), prefer('asr', 'whisperx', 'local')],
    ['balanced without a language', withoutLanguage, prefer('asr', 'whisperx', 'local')],
    ['balanced in another language', requestWith({ language: 'de' }), prefer('whisperx', 'asr', 'local')],
    ['precise', requestWith({ profile: 'precise' }), prefer('whisperx', 'asr', 'local')],
    [
      'precise in another language',
      requestWith({ profile: 'precise', language: 'pt-BR' }),
      prefer('whisperx', 'asr', 'local'),
    ],
  ];

  it.each(cases)('have a policy for %s', (_title, request, policy) => {
    expect(policyFor(request, defaultRules)).toEqual(policy);
  });
});

describe('policyFor', () => {
  const [one, other] = [prefer('local'), prefer('asr')];

  it('takes the first rule that fits', () => {
    expect(policyFor(requestWith(), [{ profiles: ['fast'], policy: other }, { policy: one }, { policy: other }])).toBe(
      one,
    );
  });

  it('takes the fastest where no rule fits', () => {
    expect(policyFor(requestWith(), [{ profiles: ['fast'], policy: other }])).toEqual({ kind: 'fastest' });
  });

  const languages: [string, string[], string | undefined, boolean][] = [
    ['a language for its regions', ['pt'], 'pt-BR', true],
    ['a region for itself', ['pt-BR'], 'pt-BR', true],
    ['no region for its language', ['pt-BR'], 'pt', false],
    ['no region for another', ['pt-BR'], 'pt-PT', false],
    ['no language for another that begins alike', ['fi'], 'fil', false],
    ['several', ['de', 'fr'], 'fr', true],
    ['any language', ['*'], 'yo', true],
    ['und where none is named', ['und'], undefined, true],
    ['und for no language', ['und'], 'de', false],
    ['a language where none is named not at all', ['en'], undefined, false],
  ];

  it.each(languages)('takes %s', (_title, tags, language, holds) => {
    const request = language === undefined ? withoutLanguage : requestWith({ language });
    expect(policyFor(request, [{ languages: tags, policy: one }, { policy: other }])).toBe(holds ? one : other);
  });

  it('takes a rule with both conditions only where both hold', () => {
    const rules = [{ profiles: ['precise' as const], languages: ['de'], policy: one }, { policy: other }];
    const requests = [
      requestWith({ profile: 'precise', language: 'de' }),
      requestWith({ profile: 'precise' }),
      requestWith({ language: 'de' }),
    ];
    expect(requests.map((request) => policyFor(request, rules))).toEqual([one, other, other]);
  });
});

interface Case {
  readonly title: string;
  readonly settings: RoutingSettings;
  readonly request?: RoutingRequest;
  readonly instances: readonly EngineInstance[];
  readonly candidates: readonly string[];
}

const fastest = settingsOf({ kind: 'fastest' });
const leastLoaded = settingsOf({ kind: 'least-loaded' });

function cheapest(costs: RoutingSettings['costs']): RoutingSettings {
  return settingsOf({ kind: 'cheapest' }, costs);
}

const cases: readonly Case[] = [
  {
    title: 'prefer takes the order of engines and the rest after them',
    settings: settingsOf(prefer('whisperx')),
    instances: [instanceOf('asr', { inFlight: 1 }), instanceOf('local'), instanceOf('whisperx')],
    candidates: ['whisperx', 'local', 'asr'],
  },
  {
    title: 'fastest takes the lowest real-time factor',
    settings: fastest,
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.2 } }),
      instanceOf('whisperx', { stats: { realTimeFactor: 0.05 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1 } }),
    ],
    candidates: ['whisperx', 'local', 'asr'],
  },
  {
    title: 'fastest takes what an engine says of itself until it is measured',
    settings: fastest,
    instances: [instanceOf('asr', { speed: 10 }), instanceOf('local', { speed: 40 })],
    candidates: ['local', 'asr'],
  },
  {
    title: 'fastest believes measurements more than the engine',
    settings: fastest,
    instances: [instanceOf('asr', { speed: 100, stats: { realTimeFactor: 0.5 } }), instanceOf('local', { speed: 10 })],
    candidates: ['local', 'asr'],
  },
  {
    title: 'fastest takes engines of which nothing is known to be as their kind usually is',
    settings: fastest,
    instances: [instanceOf('whisperx'), instanceOf('local'), instanceOf('asr')],
    candidates: ['asr', 'local', 'whisperx'],
  },
  {
    title: 'fastest takes the shorter queue for short audio',
    settings: fastest,
    request: requestWith({ audioMs: 5_000 }),
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.02, queueMs: 3_000 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1, queueMs: 10 } }),
    ],
    candidates: ['local', 'asr'],
  },
  {
    title: 'fastest takes the longer queue for long audio',
    settings: fastest,
    request: requestWith({ audioMs: 600_000 }),
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.02, queueMs: 3_000 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1, queueMs: 10 } }),
    ],
    candidates: ['asr', 'local'],
  },
  {
    title: 'fastest counts the tries that a success takes',
    settings: fastest,
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.05, errorRate: 0.6 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1 } }),
    ],
    candidates: ['local', 'asr'],
  },
  {
    title: 'fastest takes one that fails now and then and is much faster',
    settings: fastest,
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.02, errorRate: 0.3 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1 } }),
    ],
    candidates: ['asr', 'local'],
  },
  {
    title: 'fastest orders instances that always fail',
    settings: fastest,
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.2, errorRate: 1 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1, errorRate: 1 } }),
    ],
    candidates: ['local', 'asr'],
  },
  {
    title: 'fastest takes the less loaded of two that are alike',
    settings: fastest,
    instances: [instanceOf('asr', { id: 'a', inFlight: 1 }), instanceOf('asr', { id: 'b' })],
    candidates: ['b', 'a'],
  },
  {
    title: 'least-loaded takes the largest share of free places of any engine',
    settings: leastLoaded,
    instances: [
      instanceOf('asr', { inFlight: 3, capabilities: { maxConcurrency: 4 } }),
      instanceOf('local', { inFlight: 1, capabilities: { maxConcurrency: 4 } }),
      instanceOf('whisperx', { inFlight: 2, capabilities: { maxConcurrency: 4 } }),
    ],
    candidates: ['local', 'whisperx', 'asr'],
  },
  {
    title: 'least-loaded takes the larger of two idle instances',
    settings: leastLoaded,
    instances: [
      instanceOf('asr', { id: 'a', capabilities: { maxConcurrency: 1 } }),
      instanceOf('asr', { id: 'b', capabilities: { maxConcurrency: 8 } }),
    ],
    candidates: ['b', 'a'],
  },
  {
    title: 'least-loaded takes the faster of two that are loaded alike',
    settings: leastLoaded,
    instances: [
      instanceOf('asr', { stats: { realTimeFactor: 0.3 } }),
      instanceOf('local', { stats: { realTimeFactor: 0.1 } }),
    ],
    candidates: ['local', 'asr'],
  },
  {
    title: 'least-loaded counts the tries that a success takes',
    settings: leastLoaded,
    instances: [instanceOf('asr', { stats: { errorRate: 0.7 } }), instanceOf('local', { inFlight: 1 })],
    candidates: ['local', 'asr'],
  },
  {
    title: 'cheapest takes the lowest cost',
    settings: cheapest({ asr: 0.9, whisperx: 0.3, local: 0.5 }),
    instances: [instanceOf('asr'), instanceOf('local'), instanceOf('whisperx')],
    candidates: ['whisperx', 'local', 'asr'],
  },
  {
    title: 'cheapest takes an engine without a cost for free',
    settings: cheapest({ asr: 0.9, whisperx: 0.3 }),
    instances: [instanceOf('asr'), instanceOf('local'), instanceOf('whisperx')],
    candidates: ['local', 'whisperx', 'asr'],
  },
  {
    title: 'cheapest counts the tries that a success takes',
    settings: cheapest({ asr: 1, whisperx: 1.5 }),
    instances: [instanceOf('asr', { stats: { errorRate: 0.4 } }), instanceOf('whisperx')],
    candidates: ['whisperx', 'asr'],
  },
  {
    title: 'cheapest puts one last that is free and fails more than half of its calls',
    settings: cheapest({ asr: 1 }),
    instances: [instanceOf('asr'), instanceOf('local', { stats: { errorRate: 0.6 } })],
    candidates: ['asr', 'local'],
  },
  {
    title: 'cheapest takes the less loaded of two that cost the same',
    settings: cheapest({}),
    instances: [instanceOf('asr', { inFlight: 1 }), instanceOf('local')],
    candidates: ['local', 'asr'],
  },
  {
    title: 'every policy puts the named engine first',
    settings: cheapest({ asr: 1 }),
    request: requestWith({ engine: 'asr' }),
    instances: [instanceOf('asr'), instanceOf('local')],
    candidates: ['asr', 'local'],
  },
  {
    title: 'every policy comes after the wishes',
    settings: fastest,
    request: requestWith({ wordTimestamps: true, onUnsupported: 'warn' }),
    instances: [instanceOf('asr', { speed: 100 }), instanceOf('local', { capabilities: { wordTimestamps: true } })],
    candidates: ['local', 'asr'],
  },
  {
    title: 'every policy comes after an engine that has just failed the work',
    settings: fastest,
    request: requestWith({ triedInstances: new Set(['a']) }),
    instances: [instanceOf('asr', { id: 'a' }), instanceOf('asr', { id: 'b', speed: 100 }), instanceOf('local')],
    candidates: ['local', 'b'],
  },
];

describe('a policy', () => {
  it.each(cases)('$title', ({ settings, request, instances, candidates }) => {
    const decision = route(request ?? requestWith(), snapshotOf(...instances), settings);
    expect(decision.candidates.map(({ instance }) => instance.id)).toEqual(candidates);
  });

  it('is told with the decision, and what put each candidate where it is', () => {
    const settings = settingsOf({ kind: 'cheapest' }, { asr: 1.2 });
    const { policy, candidates } = route(requestWith(), snapshotOf(instanceOf('asr'), instanceOf('local')), settings);
    expect(policy).toEqual({ kind: 'cheapest' });
    expect(candidates.map(({ behindBy }) => behindBy)).toEqual([undefined, 'cost']);
    expect(candidates[1]?.rank.map(({ name }) => name)).toEqual([
      ...['stands_in', 'unmet_wishes', 'engine_tried', 'unreliable', 'cost', 'load', 'expected_seconds'],
    ]);
    // A minute of 1.20 an hour.
    expect(candidates[1]?.rank.find(({ name }) => name === 'cost')?.value).toBeCloseTo(0.02);
  });
});
