import { type Config, loadConfig } from '#config';
import { type EngineDescription, type EngineEvent, SpeechEngine } from '#contracts';
import { RegistryWatcher, RemoteEngine } from '#engine-client';
import { hostEngine } from '#engine-host';
import type { RunningService } from '#service-host';
import { createLogger } from '#telemetry';
import { type DevCertificates, makeDevCertificates } from '#testing';
import { defaultProbeSettings, SpeechProbe } from './speech-probe.js';
import { startEngineRegistry } from './start-engine-registry.js';

const logger = createLogger('test', 'silent');

class SilentEngine extends SpeechEngine {
  override describe(): EngineDescription {
    return {
      engine: 'local',
      capabilities: {
        languages: ['en'],
        models: ['silence'],
        defaultModel: 'silence',
        languageDetection: false,
        wordTimestamps: false,
        diarization: false,
        phraseBoosting: false,
        partialResults: false,
        translation: false,
        confidence: false,
        punctuationControl: false,
        profanityFilter: false,
        verbatim: false,
        maxAudioMs: undefined,
        maxConcurrency: 1,
      },
      health: { state: 'serving', reason: '' },
      backendUri: '',
      version: '1.0.0',
    };
  }

  override async *transcribe(): AsyncIterable<EngineEvent> {
    yield await Promise.resolve({ type: 'summary', language: 'en', model: 'silence', audioMs: 0 } as const);
  }
}

describe('a mesh with mutual TLS', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let certificates: DevCertificates;
  let config: Config;
  let registry: string;

  beforeAll(async () => {
    certificates = await makeDevCertificates();
    config = loadConfig({ ...certificates.env, ENGINE_REGISTRY_PORT: '0' });
    const running = await start(startEngineRegistry({ config, logger }));
    registry = running.endpoints?.registry ?? '';
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    await certificates.dispose();
  });

  async function start<T extends RunningService>(starting: Promise<T>): Promise<T> {
    const running = await starting;
    cleanUps.push(() => running.stop());
    return running;
  }

  it('registers, lists and calls an engine', async () => {
    const context = { config, logger, endpoint: () => registry };
    const hosted = await start(hostEngine({ engine: new SilentEngine(), context }));
    const watcher = new RegistryWatcher({ address: registry, tls: config.innerTls, logger });
    cleanUps.push(() => watcher.close());
    const listed = ({ instances }: { instances: readonly { id: string }[] }) =>
      instances.some(({ id }) => id === hosted.instanceId);
    const { instances } = await watcher.waitFor(listed, AbortSignal.timeout(10_000));

    const remote = new RemoteEngine(config.innerTls);
    await expect(remote.describe(hosted.address)).resolves.toMatchObject({ engine: 'local' });
    remote.close();
    const [instance] = instances;
    if (!instance) throw new Error('No instance is listed.');
    // It was reached: it only hears nothing.
    const probe = new SpeechProbe(defaultProbeSettings, config.innerTls);
    await expect(probe.run(instance, new AbortController().signal)).resolves.toMatchObject({
      reason: 'no text for a second of speech',
    });
    const stranger = new RemoteEngine();
    await expect(stranger.describe(hosted.address)).rejects.toMatchObject({ code: 'engine_unavailable' });
    stranger.close();
  });
});
