import { loadConfig } from '#config';
import { type EngineInstance, PolyscribeError, type RegistrySnapshot } from '#contracts';
import { CallReporter, RegistryWatcher } from '#engine-client';
import { hostEngine } from '#engine-host';
import { type Behaviour, ScriptedEngine, silence } from '#engine-testkit';
import { createLogger, Metrics } from '#telemetry';
import { eventually } from '#testing';
import { defaultRegistrySettings, type RegistrySettings } from './engine-registry.module.js';
import { startEngineRegistry } from './start-engine-registry.js';

const logger = createLogger('test', 'silent');
const settings: RegistrySettings = {
  ...defaultRegistrySettings,
  breaker: { ...defaultRegistrySettings.breaker, firstPauseMs: 20, mostPauseMs: 100 },
  probe: { ...defaultRegistrySettings.probe, deadlineMs: 60_000 },
};
const never = new AbortController().signal;
const timeout = new PolyscribeError('engine_timeout', 'It did not finish within 5 s.');

describe('the breaker of an engine', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let metrics: Metrics;
  let engine: ScriptedEngine;
  let behaviour: Behaviour;
  let instanceId: string;
  let watcher: RegistryWatcher;
  let reporter: CallReporter;

  /** What the snapshots said of the breaker, one for each change. */
  let states: string[];

  async function start(changes: Partial<RegistrySettings> = {}): Promise<void> {
    metrics = new Metrics();
    states = [];
    behaviour = { kind: 'work' };
    const config = loadConfig({ ENGINE_REGISTRY_PORT: '0' });
    const registry = await startEngineRegistry({ config, logger, metrics }, { ...settings, ...changes });
    cleanUps.push(() => registry.stop());
    const address = registry.endpoints?.registry ?? '';
    engine = new ScriptedEngine({ behave: () => behaviour });
    const hosted = await hostEngine({ engine, context: { config, logger, endpoint: () => address } });
    cleanUps.push(() => hosted.stop());
    instanceId = hosted.instanceId;
    watcher = new RegistryWatcher({ address, logger });
    cleanUps.push(() => watcher.close());
    watcher.onChange((snapshot) => {
      const state = snapshot.instances[0]?.breaker.state;
      if (state !== undefined && states.at(-1) !== state) states.push(state);
    });
    reporter = new CallReporter({ address, logger });
    cleanUps.push(() => reporter.close());
    await watcher.waitFor(({ instances }) => instances.length === 1, never);
  }

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  function fail(times: number, error = timeout): void {
    for (let call = 0; call < times; call += 1) reporter.measure(instanceId).failed(error);
  }

  async function instanceWhen(predicate: (instance: EngineInstance) => boolean): Promise<EngineInstance | undefined> {
    const wanted = ({ instances }: RegistrySnapshot): boolean => instances.some(predicate);
    return (await watcher.waitFor(wanted, never)).instances[0];
  }

  it('opens after faults that workers report, and a probe that succeeds closes it', async () => {
    await start();
    fail(3);
    await eventually('open and closed again', () => states.includes('open') && states.at(-1) === 'closed', 60_000);
    expect(engine.calls.map(({ state }) => state)).toEqual(['done']);
    expect(engine.calls[0]?.request).toMatchObject({ language: 'en', profile: 'fast' });
    const known = watcher.snapshot().instances[0];
    expect(known?.breaker).toMatchObject({ state: 'closed', reason: '' });
    // A probe is no call of a worker.
    expect(known?.stats).toMatchObject({ calls: 3, recentErrors: 3, lastError: { code: 'engine_timeout' } });
    const told = await metrics.render();
    expect(told).toContain('polyscribe_engine_probes_total{engine="local",outcome="success"} 1');
    expect(told).toContain('polyscribe_breaker_changes_total{engine="local",state="open"} 1');
    expect(told).toContain('polyscribe_reported_calls_total{outcome="engine_timeout"} 3');
    expect(told).toContain(`polyscribe_engine_breaker{engine="local",instance="${instanceId}",state="closed"} 1`);
  }, 120_000);

  it('stays open while probes fail, and closes when the engine is well again', async () => {
    await start();
    behaviour = { kind: 'fail', code: 'engine_bad_response' };
    fail(3);
    await eventually('three probes', () => engine.calls.length >= 3, 60_000);
    expect(states.slice(1)).not.toContain('closed');
    const open = await instanceWhen(({ breaker }) => breaker.reason.startsWith('the probe failed'));
    expect(open?.breaker.reason).toContain('engine_bad_response');
    behaviour = { kind: 'work' };
    await instanceWhen(({ breaker }) => breaker.state === 'closed');
  }, 120_000);

  it('takes an engine that hears nothing in speech for broken', async () => {
    await start({ probe: { ...settings.probe, speech: silence(1_000) } });
    fail(3);
    const open = await instanceWhen(({ breaker }) => breaker.reason.startsWith('the probe failed'));
    expect(open?.breaker.reason).toBe('the probe failed: no text for a second of speech');
  }, 120_000);

  it('takes a refusal of the request for a sign of life, and an inner error for none', async () => {
    await start();
    behaviour = { kind: 'fail', code: 'internal' };
    fail(3);
    await instanceWhen(({ breaker }) => breaker.reason.startsWith('the probe failed: engine_bad_response'));
    behaviour = { kind: 'fail', code: 'unsupported_language' };
    const closed = await instanceWhen(({ breaker }) => breaker.state === 'closed');
    expect(closed?.stats).toMatchObject({ errorRate: 0, recentErrors: 3 });
  }, 120_000);

  it('does not probe an engine that says itself that it cannot serve', async () => {
    await start();
    engine.health = { state: 'unavailable', reason: 'no backend' };
    // Told with the next heartbeat at the latest.
    await instanceWhen(({ description }) => description.health.state === 'unavailable');
    fail(3);
    await instanceWhen(({ breaker }) => breaker.state === 'open');
    engine.health = { state: 'serving', reason: '' };
    await instanceWhen(({ description }) => description.health.state === 'serving');
    expect(engine.calls.length).toBeLessThanOrEqual(1);
    await instanceWhen(({ breaker }) => breaker.state === 'closed');
  }, 120_000);

  it('does not count what is not the fault of the engine', async () => {
    await start();
    fail(5, new PolyscribeError('engine_busy', 'Full.'));
    fail(5, new PolyscribeError('invalid_request', 'No.'));
    fail(5, new PolyscribeError('cancelled', 'Changed my mind.'));
    fail(1);
    const known = await instanceWhen(({ stats }) => stats.calls > 0);
    expect(known).toMatchObject({ stats: { calls: 1 }, breaker: { state: 'closed' } });
  }, 120_000);

  it('shows how fast the engine is by the calls of workers', async () => {
    await start();
    const meter = reporter.measure(instanceId);
    meter.event({ type: 'progress', processedMs: 0, stage: 'transcribing' });
    meter.done(60_000);
    const known = await instanceWhen(({ stats }) => stats.calls > 0);
    expect(known?.stats).toMatchObject({ calls: 1, errorRate: 0, recentErrors: 0 });
    expect(known?.stats.realTimeFactor).toBeLessThan(1);
  }, 120_000);
});
