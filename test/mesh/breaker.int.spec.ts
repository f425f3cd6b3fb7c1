import { loadConfig } from '#config';
import type { EngineInstance, EngineKind } from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { type Behaviour, ScriptedEngine, scriptedSpeech, wavFile } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { defaultRegistrySettings } from '../../apps/engine-registry/engine-registry.module.js';
import { startEngineRegistry } from '../../apps/engine-registry/start-engine-registry.js';
import { TestMesh } from '../support/mesh.js';

const logger = createLogger('test', 'silent');
const media = wavFile(scriptedSpeech([['alpha', 'bravo']]));

describe('an engine that fails', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }, 60_000);

  it('is left alone while jobs go elsewhere, and is called again once it is well', async () => {
    const config = loadConfig({ ENGINE_REGISTRY_PORT: '0' });
    const breaker = { ...defaultRegistrySettings.breaker, firstPauseMs: 200, mostPauseMs: 200 };
    const registry = await startEngineRegistry({ config, logger }, { ...defaultRegistrySettings, breaker });
    cleanUps.push(() => registry.stop());
    const address = registry.endpoints?.registry ?? '';
    const mesh = await TestMesh.start(address);
    cleanUps.push(() => mesh.stop());
    let behaviour: Behaviour = { kind: 'fail', code: 'engine_unavailable' };
    const failing = new ScriptedEngine({ engine: 'asr', behave: () => behaviour });
    const { instanceId } = await mesh.host(failing);
    await mesh.host(new ScriptedEngine({ engine: 'local' }));
    await mesh.work();
    const watcher = new RegistryWatcher({ address, logger });
    cleanUps.push(() => watcher.close());
    const seen = (): EngineInstance | undefined => watcher.snapshot().instances.find(({ id }) => id === instanceId);
    const engineOfJob = async (): Promise<EngineKind | undefined> => {
      const { id } = await mesh.submit(media);
      return (await eventually('a transcript', () => mesh.transcripts.findByJob(id), 60_000)).engineUsed;
    };

    for (let jobs = 0; jobs < 10 && seen()?.breaker.state !== 'open'; jobs += 1) {
      expect(await engineOfJob()).toBe('local');
    }
    await eventually('an open breaker', () => seen()?.breaker.state === 'open', 60_000);
    expect(seen()?.stats.recentErrors).toBeGreaterThanOrEqual(3);
    expect(seen()?.stats.lastError?.code).toBe('engine_unavailable');

    behaviour = { kind: 'work' };
    await eventually('a closed breaker', () => seen()?.breaker.state === 'closed', 60_000);
    await eventually('a job on it', async () => (await engineOfJob()) === 'asr', 60_000);
    await eventually('its measurement', () => seen()?.stats.realTimeFactor !== undefined, 60_000);
  }, 240_000);
});
