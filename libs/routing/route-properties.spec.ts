import fc from 'fast-check';
import { type EngineCapabilities, type EngineInstance, languageMatches, type RegistrySnapshot } from '#contracts';
import { route, type RoutingDecision, type RoutingRequest } from './index.js';
import { arbitraryRequest, arbitrarySettings, arbitrarySnapshot } from './testing/arbitraries.js';
import { settingsOf } from './testing.js';

const fastest = settingsOf({ kind: 'fastest' });

describe('route, whatever the request and the mesh', () => {
  it('never makes a candidate of an instance that lacks something required', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, arbitrarySettings, (request, snapshot, settings) => {
        const decision = route(request, snapshot, settings);
        for (const { instance } of decision.candidates) expectToServe(request, instance, decision);
      }),
    );
  });

  it('makes each instance either a candidate or a rejection', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, arbitrarySettings, (request, snapshot, settings) => {
        const { candidates, rejections } = route(request, snapshot, settings);
        const ids = [...candidates, ...rejections].map(({ instance }) => instance.id);
        expect(ids.sort()).toEqual(snapshot.instances.map(({ id }) => id).sort());
      }),
    );
  });

  it('never gives another engine than the one that was named without fallback', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, arbitrarySettings, (request, snapshot, settings) => {
        const { candidates } = route({ ...request, allowFallback: false }, snapshot, settings);
        const engines = candidates.map(({ instance }) => instance.description.engine);
        expect(request.engine === 'auto' ? [] : engines.filter((engine) => engine !== request.engine)).toEqual([]);
      }),
    );
  });

  it('does not depend on the order of the snapshot', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, arbitrarySettings, (request, snapshot, settings) => {
        const turned = { ...snapshot, instances: snapshot.instances.toReversed() };
        expect(idsOf(route(request, turned, settings))).toEqual(idsOf(route(request, snapshot, settings)));
      }),
    );
  });

  it('orders by the ranks that it gives, and names the first that differs', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, arbitrarySettings, (request, snapshot, settings) => {
        const { candidates } = route(request, snapshot, settings);
        for (const [index, { rank, behindBy }] of candidates.entries()) {
          const before = candidates[index - 1]?.rank ?? rank;
          const place = rank.findIndex(({ value }, at) => value !== before[at]?.value);
          expect(rank[place]?.value ?? 0).toBeGreaterThanOrEqual(before[place]?.value ?? 0);
          expect(behindBy).toBe(index === 0 ? undefined : (rank[place]?.name ?? 'id'));
        }
      }),
    );
  });

  it('goes to an instance whose breaker is not closed only for want of any other', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, arbitrarySettings, (request, snapshot, settings) => {
        const { candidates, rejections, isLastResort } = route(request, snapshot, settings);
        const closed = candidates.filter(({ instance }) => instance.breaker.state === 'closed');
        expect(closed.length).toBe(isLastResort ? 0 : candidates.length);
        expect(isLastResort && rejections.some(({ code }) => code === 'full')).toBe(false);
      }),
    );
  });

  it('does not put an instance further back under fastest when its figures improve', () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitrarySnapshot, fc.nat(5), improvement, (request, snapshot, index, better) => {
        const decision = route(request, snapshot, fastest);
        const candidate = decision.candidates[index % Math.max(1, decision.candidates.length)];
        if (!candidate) return;
        const { id } = candidate.instance;
        const after = route(request, changed(snapshot, id, better), fastest);
        expect(idsOf(after).indexOf(id)).toBeLessThanOrEqual(idsOf(decision).indexOf(id));
      }),
    );
  });

  it('does not put an instance further to the front under any policy when it fails more', () => {
    fc.assert(
      fc.property(
        arbitraryRequest,
        arbitrarySnapshot,
        arbitrarySettings,
        fc.nat(5),
        (request, snapshot, settings, at) => {
          const decision = route(request, snapshot, settings);
          const candidate = decision.candidates[at % Math.max(1, decision.candidates.length)];
          if (!candidate) return;
          const { id, stats } = candidate.instance;
          const worse = { errorRate: (stats.errorRate + 1) / 2 };
          const after = route(
            request,
            changed(snapshot, id, () => worse),
            settings,
          );
          expect(idsOf(after).indexOf(id)).toBeGreaterThanOrEqual(idsOf(decision).indexOf(id));
        },
      ),
    );
  });
});

type Stats = EngineInstance['stats'];

/** Figures that are as good or better. */
const improvement: fc.Arbitrary<(stats: Stats) => Partial<Stats>> = fc
  .record({ speed: fc.double({ min: 0, max: 1, noNaN: true }), errors: fc.nat(1), queue: fc.nat(1) })
  .map(({ speed, errors, queue }) => (stats: Stats) => ({
    errorRate: stats.errorRate * errors,
    queueMs: stats.queueMs * queue,
    ...(stats.realTimeFactor === undefined ? {} : { realTimeFactor: stats.realTimeFactor * speed }),
  }));

function changed(snapshot: RegistrySnapshot, id: string, change: (stats: Stats) => Partial<Stats>): RegistrySnapshot {
  const instances = snapshot.instances.map((instance) =>
    instance.id === id ? { ...instance, stats: { ...instance.stats, ...change(instance.stats) } } : instance,
  );
  return { ...snapshot, instances };
}

function idsOf({ candidates }: RoutingDecision): string[] {
  return candidates.map(({ instance }) => instance.id);
}

/** The rules said a second time, in another way than the product says them. */
function expectToServe(request: RoutingRequest, instance: EngineInstance, { isLastResort }: RoutingDecision): void {
  const { id, inFlight, description, breaker } = instance;
  const { engine, capabilities, health } = description;
  const named = request.engine === 'auto' || request.engine === engine;
  expect(named || request.allowFallback).toBe(true);
  expect(health.state).toBe('serving');
  expect(breaker.state === 'closed').toBe(!isLastResort);
  expect(inFlight).toBeLessThan(capabilities.maxConcurrency);
  expect(request.triedInstances?.has(id) ?? false).toBe(false);
  const { language } = request;
  if (language !== undefined) expect(capabilities.languages.some((l) => languageMatches(l, language))).toBe(true);
  if (request.model !== undefined && named) expect(capabilities.models).toContain(request.model);
  if (request.audioMs !== undefined) expect(request.audioMs).toBeLessThanOrEqual(capabilities.maxAudioMs ?? Infinity);
  expectToTakeBeam(request, request.engineOptions?.[engine]?.['beam'], capabilities);
  if (request.onUnsupported === 'warn') return;
  expect(featuresMissing(request, capabilities)).not.toContain(true);
}

function expectToTakeBeam(request: RoutingRequest, beam: string | undefined, { options }: EngineCapabilities): void {
  if (beam === 'x') expect(options).toEqual([]);
  if (beam !== undefined && request.onUnsupported === 'refuse') expect(options).toHaveLength(1);
}

function featuresMissing(request: RoutingRequest, capabilities: EngineCapabilities): boolean[] {
  return [
    request.diarization && !capabilities.diarization,
    request.wordTimestamps && !capabilities.wordTimestamps,
    request.withoutPunctuation && !capabilities.punctuationControl,
    request.profanityFilter && !capabilities.profanityFilter,
    request.verbatim && !capabilities.verbatim,
    request.task === 'translate' && !capabilities.translation,
  ];
}
