import { type HostedEngine, hostEngine } from '#engine-host';
import { ScriptedEngine, StubRegistry, testContext } from '#engine-testkit';
import type { ServiceDefinition } from '#service-host';
import { freePortPair } from '#testing';
import { onOwnEnginePorts } from './engine-ports.js';

describe('apps with engines in one process', () => {
  it('listen on ENGINE_PORT and the ports after it, in their order', async () => {
    const registry = await StubRegistry.start();
    const port = await freePortPair();
    const hosted: HostedEngine[] = [];
    const app = (engine: 'local' | 'asr'): ServiceDefinition => ({
      name: engine,
      needs: ['registry'],
      provides: [],
      async start(context) {
        const running = await hostEngine({ engine: new ScriptedEngine({ engine }), context });
        hosted.push(running);
        return running;
      },
    });
    const context = testContext({ registry: registry.address }, { ENGINE_PORT: String(port) });
    // Started side by side, as the services of a process are.
    const apps = onOwnEnginePorts([app('local'), app('asr')]);
    await Promise.all(apps.map((definition) => definition.start(context)));
    const addresses = [...registry.instances.values()].map(({ address, description }) => [description.engine, address]);
    expect(Object.fromEntries(addresses)).toEqual({
      local: `127.0.0.1:${String(port)}`,
      asr: `127.0.0.1:${String(port + 1)}`,
    });
    await Promise.all(hosted.map((running) => running.stop()));
    await registry.stop();
  }, 60_000);
});
