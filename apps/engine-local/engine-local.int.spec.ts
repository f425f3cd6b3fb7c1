import { type EngineEvent, SAMPLE_RATE_HZ } from '#contracts';
import { RemoteEngine } from '#engine-client';
import { CountedAudio, StubRegistry, testContext } from '#engine-testkit';
import { engineLocal } from './index.js';

describe('the engine-local service', () => {
  it('registers, serves calls over gRPC and takes its leave', async () => {
    const registry = await StubRegistry.start();
    const remote = new RemoteEngine();
    try {
      const running = await engineLocal.start(testContext({ registry: registry.address }, { LOCAL_MODEL: 'tiny' }));
      try {
        const [instance] = [...registry.instances.values()];
        expect(instance?.description.capabilities).toMatchObject({ defaultModel: 'tiny', languages: ['en'] });
        const audio = new CountedAudio({ pcm: Buffer.alloc(4 * SAMPLE_RATE_HZ) });
        const request = { requestId: 'test', profile: 'balanced', onUnsupported: 'refuse', phrases: [] } as const;
        const plain = { task: 'transcribe', wordTimestamps: false, partialResults: false } as const;
        const events: EngineEvent[] = [];
        const call = { ...request, ...plain, engineOptions: {} };
        const { signal } = new AbortController();
        for await (const event of remote.transcribe(instance?.address ?? '', call, audio, signal)) events.push(event);
        expect(events.at(-1)).toEqual({ type: 'summary', language: 'en', model: 'tiny', audioMs: 2_000 });
      } finally {
        await running.stop();
      }
      expect(registry.instances.size).toBe(0);
    } finally {
      remote.close();
      await registry.stop();
    }
  }, 60_000);
});
