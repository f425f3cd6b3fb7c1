import { pcmBytesToMs } from '#contracts';
import { RemoteEngine } from '#engine-client';
import { CountedAudio, ScriptedEngine, StubRegistry, scriptedFixtures, testContext } from '#engine-testkit';
import { eventually } from '#testing';
import { hostEngine } from './host-engine.js';

/** Its backend works on though calls are over. */
class HoldingEngine extends ScriptedEngine {
  held = 0;

  override countHeldPlaces(): number {
    return this.held;
  }
}

describe('an engine whose backend cannot be told to stop', () => {
  it('counts what the backend is still at as calls that run', async () => {
    const registry = await StubRegistry.start({ heartbeatMs: 100 });
    const engine = new HoldingEngine({ capabilities: { maxConcurrency: 1 } });
    const hosted = await hostEngine({ engine, context: testContext({ registry: registry.address }) });
    const remote = new RemoteEngine();
    const call = async (): Promise<number> => {
      const audio = new CountedAudio({ pcm: scriptedFixtures.speech });
      const wishes = { task: 'transcribe', wordTimestamps: false, phrases: [], engineOptions: {} } as const;
      const request = { requestId: 'r', profile: 'balanced', partialResults: false, onUnsupported: 'refuse' } as const;
      let audioMs = 0;
      const { signal } = new AbortController();
      for await (const event of remote.transcribe(hosted.address, { ...request, ...wishes }, audio, signal)) {
        if (event.type === 'summary') ({ audioMs } = event);
      }
      return audioMs;
    };
    engine.held = 1;
    await expect(call()).rejects.toMatchObject({ code: 'engine_busy' });
    await eventually('the registry to know', () => [...registry.instances.values()][0]?.inFlight === 1);
    engine.held = 0;
    await expect(call()).resolves.toBe(pcmBytesToMs(scriptedFixtures.speech.length));
    remote.close();
    await hosted.stop();
    await registry.stop();
  }, 30_000);
});
