import type { EngineInstance } from '#contracts';
import { route, type RoutingRequest } from './index.js';
import { instanceOf, requestWith, snapshotOf } from './testing.js';

interface Case {
  readonly title: string;
  readonly request: RoutingRequest;
  readonly instances: readonly EngineInstance[];
  /** Ids in order. */
  readonly candidates: readonly string[];
  /** `id: code` for each rejection. */
  readonly rejections?: readonly string[];
  readonly isLastResort?: boolean;
}

const cases: readonly Case[] = [
  ...(['open', 'half_open'] as const).map((state) => ({
    title: `passes over an instance whose breaker is ${state}`,
    request: requestWith(),
    instances: [instanceOf('asr', { breaker: { state } }), instanceOf('local')],
    candidates: ['local'],
    rejections: ['asr: breaker_open'],
  })),
  {
    title: 'waits for one that is full before it takes one whose breaker is open',
    request: requestWith(),
    instances: [instanceOf('asr', { breaker: { state: 'open' } }), instanceOf('local', { inFlight: 2 })],
    candidates: [],
    rejections: ['asr: breaker_open', 'local: full'],
  },
  {
    title: 'takes no full instance whose breaker is open, and calls it open',
    request: requestWith(),
    instances: [instanceOf('asr', { inFlight: 2, breaker: { state: 'open' } })],
    candidates: [],
    rejections: ['asr: breaker_open'],
  },
  {
    title: 'takes the one that fails least where every breaker is open',
    request: requestWith(),
    instances: [
      instanceOf('asr', { breaker: { state: 'open' }, stats: { errorRate: 0.9 } }),
      instanceOf('local', { breaker: { state: 'open' }, stats: { errorRate: 0.4 } }),
    ],
    candidates: ['local', 'asr'],
    isLastResort: true,
  },
  {
    title: 'takes the one that has been open longest where both fail alike',
    request: requestWith(),
    instances: [
      instanceOf('asr', { breaker: { state: 'open', since: new Date(2_000) } }),
      instanceOf('local', { breaker: { state: 'open', since: new Date(1_000) } }),
    ],
    candidates: ['local', 'asr'],
    isLastResort: true,
  },
  {
    title: 'takes the one that is being probed before those that are open',
    request: requestWith(),
    instances: [
      instanceOf('asr', { breaker: { state: 'open' }, stats: { errorRate: 0.1 } }),
      instanceOf('local', { breaker: { state: 'half_open' }, stats: { errorRate: 0.9 } }),
    ],
    candidates: ['local', 'asr'],
    isLastResort: true,
  },
  {
    title: 'keeps the named engine first among the least bad',
    request: requestWith({ engine: 'asr' }),
    instances: [
      instanceOf('asr', { breaker: { state: 'open' }, stats: { errorRate: 0.9 } }),
      instanceOf('local', { breaker: { state: 'open' }, stats: { errorRate: 0.1 } }),
    ],
    candidates: ['asr', 'local'],
    isLastResort: true,
  },
  {
    title: 'keeps to a named engine whose breaker is open where no other may stand in',
    request: requestWith({ engine: 'asr', allowFallback: false }),
    instances: [instanceOf('asr', { breaker: { state: 'open' } }), instanceOf('local')],
    candidates: ['asr'],
    rejections: ['local: other_engine'],
    isLastResort: true,
  },
  {
    title: 'takes one that stands in before a named engine whose breaker is open',
    request: requestWith({ engine: 'asr' }),
    instances: [instanceOf('asr', { breaker: { state: 'open' } }), instanceOf('local')],
    candidates: ['local'],
    rejections: ['asr: breaker_open'],
  },
  {
    title: 'takes the least bad where the others have just failed the work',
    request: requestWith({ triedInstances: new Set(['asr']) }),
    instances: [instanceOf('asr'), instanceOf('local', { breaker: { state: 'open' } })],
    candidates: ['local'],
    rejections: ['asr: tried'],
    isLastResort: true,
  },
  {
    title: 'takes none that does not serve for want of another',
    request: requestWith(),
    instances: [instanceOf('asr', { state: 'unavailable', breaker: { state: 'open' } })],
    candidates: [],
    rejections: ['asr: not_serving'],
  },
  {
    title: 'takes none that lacks what is required for want of another',
    request: requestWith({ language: 'de' }),
    instances: [instanceOf('asr', { breaker: { state: 'open' } })],
    candidates: [],
    rejections: ['asr: language'],
  },
];

describe('route, where breakers are open', () => {
  it.each(cases)('$title', ({ request, instances, candidates, rejections, isLastResort }) => {
    const decision = route(request, snapshotOf(...instances));
    expect(decision.candidates.map(({ instance }) => instance.id)).toEqual(candidates);
    expect(decision.rejections.map(({ instance, code }) => `${instance.id}: ${code}`)).toEqual(rejections ?? []);
    expect(decision.isLastResort).toBe(isLastResort ?? false);
  });

  it.each([
    ['open' as const, 'asr is not called for a while: three faults in a row.'],
    ['half_open' as const, 'asr is being probed: three faults in a row.'],
  ])('says why an instance is barred whose breaker is %s', (state, detail) => {
    const barred = instanceOf('asr', { breaker: { state, reason: 'three faults in a row' } });
    const [rejection] = route(requestWith(), snapshotOf(barred, instanceOf('local'))).rejections;
    expect(rejection).toMatchObject({ detail, permanent: false });
  });

  it.each(['three faults in a row', 'the probe failed: engine_unavailable: It is gone.'])(
    'says why a breaker is open with one full stop: %s',
    (reason) => {
      const instances = [instanceOf('asr', { breaker: { state: 'open', reason } }), instanceOf('local')];
      const [rejection] = route(requestWith(), snapshotOf(...instances)).rejections;
      expect(rejection?.detail).toMatch(/[^.]\.$/);
    },
  );
});
