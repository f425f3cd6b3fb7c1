import fc from 'fast-check';
import {
  breakerStates,
  type EngineInstance,
  engineKinds,
  type ErrorCode,
  healthStates,
  PolyscribeError,
  type RegistrySnapshot,
} from '#contracts';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { SpanRunner } from './span-runner.js';
import {
  directoryOf,
  FakeEngines,
  FakeRegistry,
  fakeRun,
  quickSettings,
  type Script,
  segmentEvent,
  spanWork,
  summaryEvent,
  unread,
} from './testing/fakes.js';
import type { WorkerSettings } from './worker-settings.js';

const never = new AbortController().signal;
const fine: Script = () => [segmentEvent(0, 500, 'one'), summaryEvent()];
const open = { state: 'open' as const, reason: 'three faults in a row' };

function failing(code: ErrorCode): Script {
  return () => [new PolyscribeError(code, `said ${code}.`)];
}

class WatchedRegistry extends FakeRegistry {
  looks = 0;

  override snapshot(): RegistrySnapshot {
    this.looks += 1;
    return super.snapshot();
  }
}

function runnerWith(
  registry: FakeRegistry,
  scripts: Readonly<Record<string, Script>>,
  changes: Partial<WorkerSettings> = {},
) {
  const engines = new FakeEngines(scripts);
  return { engines, runner: new SpanRunner(directoryOf(registry), engines, quickSettings(changes), unread()) };
}

describe('a span whose every engine has an open breaker', () => {
  const bad = instanceOf('asr', { breaker: open, stats: { errorRate: 0.9 } });
  const lessBad = instanceOf('local', { breaker: open, stats: { errorRate: 0.4 } });

  it('goes to the least bad after a while', async () => {
    const registry = new FakeRegistry(bad, lessBad);
    const { engines, runner } = runnerWith(registry, { 'local:1': fine }, { lastResortAfterMs: 30 });
    expect(await runner.run(spanWork(), fakeRun(), never)).toMatchObject({ engine: 'local' });
    expect(engines.calls).toEqual(['local:1']);
  });

  it('waits for a probe to close one first', async () => {
    const registry = new WatchedRegistry(bad, lessBad);
    const settings = { lastResortAfterMs: 60_000, engineWaitMs: 60_000 };
    const { engines, runner } = runnerWith(registry, { 'asr:1': fine }, settings);
    const result = runner.run(spanWork(), fakeRun(), never);
    await eventually('some looks at the registry', () => Promise.resolve(registry.looks > 3));
    expect(engines.calls).toEqual([]);
    registry.set(instanceOf('asr'), lessBad);
    expect(await result).toMatchObject({ engine: 'asr' });
  });

  it('goes there at once where another engine has failed the work', async () => {
    const registry = new FakeRegistry(instanceOf('asr'), lessBad);
    const scripts = { 'asr:1': failing('engine_bad_response'), 'local:1': fine };
    const { runner } = runnerWith(registry, scripts, { lastResortAfterMs: 60_000 });
    expect(await runner.run(spanWork(), fakeRun(), never)).toMatchObject({ engine: 'local' });
  });

  it('waits for one that is only busy', async () => {
    let calls = 0;
    const busyOnce: Script = (request, signal) => {
      calls += 1;
      return calls === 1 ? failing('engine_busy')(request, signal) : fine(request, signal);
    };
    const registry = new FakeRegistry(instanceOf('asr'), lessBad);
    const settings = { lastResortAfterMs: 60_000, engineWaitMs: 60_000 };
    const { engines, runner } = runnerWith(registry, { 'asr:1': busyOnce, 'local:1': fine }, settings);
    expect(await runner.run(spanWork(), fakeRun(), never)).toMatchObject({ engine: 'asr' });
    expect(engines.calls).toEqual(['asr:1', 'asr:1']);
  });
});

const faults = ['engine_busy', 'engine_unavailable', 'engine_bad_response', 'engine_timeout', 'internal'] as const;
const outcomes = ['fine', 'fine', 'fine', ...faults] as const;

const arbitraryInstance: fc.Arbitrary<EngineInstance> = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    engine: fc.constantFrom(...engineKinds),
    state: fc.constantFrom(...Array.from({ length: 6 }, () => 'serving' as const), ...healthStates),
    breaker: fc.constantFrom('closed' as const, ...breakerStates).map((state) => ({ state })),
    inFlight: fc.nat(2),
  })
  .map(({ engine, ...changes }) => instanceOf(engine, changes));

describe('a span of a request that names an engine without fallback', () => {
  const quick = {
    ...{ engineWaitMs: 15, hopelessWaitMs: 5, fullProbeMs: 3, sameEngineWaitMs: 3, lastResortAfterMs: 3 },
    ...{ unavailableTries: 3, retry: { firstMs: 1, maxMs: 2 } },
  };

  it('never goes to another engine, whatever is up, open, full or failing', async () => {
    const mesh = fc.uniqueArray(arbitraryInstance, { minLength: 2, maxLength: 5, selector: ({ id }) => id });
    const behaviour = fc.array(fc.constantFrom(...outcomes), { minLength: 5, maxLength: 5 });
    let served = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...engineKinds), mesh, behaviour, async (engine, instances, turns) => {
        const scripts = Object.fromEntries(
          instances.map(({ address }, index) => {
            const outcome = turns[index] ?? 'fine';
            return [address, outcome === 'fine' ? fine : failing(outcome)];
          }),
        );
        const { engines, runner } = runnerWith(new FakeRegistry(...instances), scripts, quick);
        const run = fakeRun({ engine, allowFallback: false });
        const error: unknown = await runner.run(spanWork(), run, never).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error === undefined || error instanceof PolyscribeError).toBe(true);
        served += run.ledger.committed.size;
        const allowed = instances.filter(({ description }) => description.engine === engine);
        expect(allowed.map(({ address }) => address)).toEqual(expect.arrayContaining([...new Set(engines.calls)]));
      }),
      { numRuns: 150 },
    );
    // The property would hold as well where nothing is ever called.
    expect(served).toBeGreaterThan(10);
  });
});
