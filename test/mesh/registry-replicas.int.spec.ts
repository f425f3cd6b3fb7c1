import { type Job, type RegistrySnapshot, hasEnded } from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { ScriptedEngine, scriptedSpeech, wavFile } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { TestMesh } from '../support/mesh.js';
import { RegistryProcess } from '../support/registry-process.js';

const file = wavFile(scriptedSpeech([['alpha', 'bravo'], ['charlie']]));
const texts = ['alpha bravo', 'charlie'];
/** Three heartbeats, at the pace that the registry asks for. */
const COME_BACK_MS = 9_000;

describe('two registries', () => {
  let first: RegistryProcess;
  let second: RegistryProcess;
  let mesh: TestMesh;
  const watchers: RegistryWatcher[] = [];

  beforeEach(async () => {
    [first, second] = await Promise.all([RegistryProcess.start(), RegistryProcess.start()]);
    mesh = await TestMesh.start(`${first.address},${second.address}`);
  });

  afterEach(async () => {
    for (const watcher of watchers.splice(0)) await watcher.close();
    await mesh.stop();
    await first.kill();
    await second.kill();
  });

  function watch(address = mesh.registryUrl, graceMs = 5_000): RegistryWatcher {
    const watcher = new RegistryWatcher({ address, logger: createLogger('test', 'silent'), graceMs });
    watchers.push(watcher);
    return watcher;
  }

  async function listed(watcher: RegistryWatcher, id: string, since = 0): Promise<void> {
    const isListed = ({ instances }: RegistrySnapshot): boolean =>
      instances.some((instance) => instance.id === id && instance.lastSeenAt.getTime() > since);
    await watcher.waitFor(isListed, AbortSignal.timeout(COME_BACK_MS));
  }

  async function completed(jobs: readonly Job[]): Promise<void> {
    for (const job of jobs) {
      const ended = await eventually('the end of the job', async () => {
        const found = await mesh.find(job);
        return hasEnded(found.status) ? found : undefined;
      });
      expect(ended).toMatchObject({ status: 'completed', attempts: 1 });
      expect(await mesh.texts(job)).toEqual(texts);
    }
  }

  it('lose one of them in the middle of jobs: no job fails and every engine stays listed', async () => {
    const engine = new ScriptedEngine({ workMsPerSecond: 300 });
    const { instanceId } = await mesh.host(engine);
    // Without a grace to speak of, only the registry that is left can keep the instance listed.
    const watcher = watch(mesh.registryUrl, 100);
    await mesh.work();
    await listed(watcher, instanceId);
    const missed: RegistrySnapshot[] = [];
    watcher.onChange((snapshot) => snapshot.instances.length === 1 || missed.push(snapshot));

    const running = await Promise.all([mesh.submit(file), mesh.submit(file)]);
    await eventually('both jobs to be at work', () => engine.calls.length === 2);
    await first.kill();
    const killedAt = Date.now();
    expect(engine.calls.map(({ state }) => state)).toContain('running');
    await completed([...running, await mesh.submit(file)]);
    await listed(watcher, instanceId, killedAt + 100);
    expect(missed).toEqual([]);
    expect(engine.calls).toHaveLength(3);

    await first.restart();
    await listed(watch(first.address), instanceId);
    await second.kill();
    await completed([await mesh.submit(file)]);
    await listed(watcher, instanceId, Date.now());
    expect(missed).toEqual([]);
  }, 60_000);

  it('lose both: workers go on with what they know, and engines come back with the registries', async () => {
    const { instanceId } = await mesh.host(new ScriptedEngine());
    const watcher = watch();
    await mesh.work();
    await listed(watcher, instanceId);
    await completed([await mesh.submit(file)]);
    await first.kill();
    await second.kill();
    await eventually('the loss of both to be noticed', () => !watcher.connected);
    await completed([await mesh.submit(file)]);
    expect(watcher.snapshot().instances).toMatchObject([{ id: instanceId }]);

    await Promise.all([first.restart(), second.restart()]);
    await Promise.all([first, second].map(({ address }) => listed(watch(address), instanceId)));
    await completed([await mesh.submit(file)]);
  }, 60_000);

  it('serve engines that reach only one of them', async () => {
    const engine = new ScriptedEngine();
    const { instanceId } = await mesh.host(engine, second.address);
    await mesh.work();
    await listed(watch(), instanceId);
    const other = watch(first.address);
    await other.waitFor(({ revision }) => revision > 0, AbortSignal.timeout(COME_BACK_MS));
    await completed([await mesh.submit(file)]);
    expect(other.snapshot().instances).toEqual([]);
    await first.kill();
    await completed([await mesh.submit(file)]);
    expect(engine.calls).toHaveLength(2);
  }, 60_000);

  it('forget an engine that stops while one of them is away', async () => {
    const hosted = await mesh.host(new ScriptedEngine());
    const watcher = watch();
    await listed(watcher, hosted.instanceId);
    await first.kill();
    await hosted.stop();
    await watcher.waitFor(({ instances }) => instances.length === 0, AbortSignal.timeout(COME_BACK_MS));
    const { revision } = watcher.snapshot();
    await first.restart();
    await watcher.waitFor((snapshot) => snapshot.revision > revision, AbortSignal.timeout(COME_BACK_MS));
    expect(watcher.snapshot().instances).toEqual([]);
  }, 60_000);
});
