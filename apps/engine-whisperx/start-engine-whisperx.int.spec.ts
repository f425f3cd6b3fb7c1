import { StubRegistry, testContext } from '#engine-testkit';
import { eventually, freePort, freePortPair } from '#testing';
import { engineWhisperx } from './index.js';
import { AsrWebserviceDouble } from './testing/asr-webservice.double.js';
import { PolyscribeDouble } from './testing/polyscribe.double.js';

describe('the engine-whisperx service', () => {
  it('registers an instance for each server, with its own state and abilities', async () => {
    const registry = await StubRegistry.start({ heartbeatMs: 200 });
    const ours = await new PolyscribeDouble().start();
    const other = await new AsrWebserviceDouble().start();
    const gone = `http://127.0.0.1:${String(await freePort())}`;
    const env = { WHISPERX_SERVICE_URL: [ours.url, other.url, gone].join(',') };
    const running = await engineWhisperx.start(testContext({ registry: registry.address }, env));
    const byUrl = () =>
      new Map([...registry.instances.values()].map(({ description }) => [description.backendUri, description]));
    await eventually('three instances', () => registry.instances.size === 3);
    expect(byUrl().get(ours.url)).toMatchObject({ health: { state: 'serving' }, capabilities: { maxConcurrency: 2 } });
    expect(byUrl().get(other.url)).toMatchObject({ health: { state: 'serving' }, capabilities: { maxConcurrency: 1 } });
    expect(byUrl().get(gone)?.health.state).toBe('unavailable');
    expect(new Set([...registry.instances.values()].map(({ address }) => address)).size).toBe(3);
    await running.stop();
    expect(registry.instances.size).toBe(0);
    await Promise.all([ours.stop(), other.stop(), registry.stop()]);
  }, 30_000);

  it('takes the ports after ENGINE_PORT for further servers, and advertises them', async () => {
    const registry = await StubRegistry.start();
    const port = await freePortPair();
    const env = {
      WHISPERX_SERVICE_URL: 'http://127.0.0.1:9,http://127.0.0.1:10',
      ENGINE_PORT: String(port),
      ENGINE_ADVERTISE_ADDRESS: `engine:${String(port)}`,
    };
    const running = await engineWhisperx.start(testContext({ registry: registry.address }, env));
    const addresses = [...registry.instances.values()].map(({ address }) => address);
    expect(addresses.sort()).toEqual([`engine:${String(port)}`, `engine:${String(port + 1)}`]);
    await running.stop();
    await registry.stop();
  }, 30_000);
});
