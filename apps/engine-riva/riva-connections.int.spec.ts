import type { EngineHealth } from '#contracts';
import { RivaSimulatorProcess, type RivaSimulator, rivaErrors, startRivaSimulator } from '#riva-simulator';
import { type DevCertificates, eventually, freePort, makeDevCertificates } from '#testing';
import type { RivaEngine } from './riva-engine.js';
import { longSpeech } from './testing/long-speech.js';
import { inChunks, rivaEngine, transcribed } from './testing/simulated-riva.js';

const functionId = '1598d209-5e27-4d3c-8079-4751568b1081';

describe('the connection of the Riva adapter', () => {
  const ending: (() => Promise<unknown>)[] = [];
  let certificates: DevCertificates;

  beforeAll(async () => {
    certificates = await makeDevCertificates();
  });
  afterAll(() => certificates.dispose());
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });

  async function server(...args: Parameters<typeof startRivaSimulator>): Promise<RivaSimulator> {
    const simulator = await startRivaSimulator(...args);
    ending.push(() => simulator.stop());
    return simulator;
  }

  async function adapter(env: Readonly<Record<string, string>>): Promise<RivaEngine> {
    const engine = rivaEngine(env);
    ending.push(() => engine.stop());
    await engine.start();
    return engine;
  }

  function healthOf(engine: RivaEngine): EngineHealth {
    return engine.describe().health;
  }

  function turns(engine: RivaEngine, state: EngineHealth['state']): Promise<unknown> {
    return eventually(`the adapter to be ${state}`, () => healthOf(engine).state === state);
  }

  function tlsOf(mutual: boolean) {
    const { certificate, privateKey, authority } = certificates.tls;
    const pair = { certificate: certificate.toString(), privateKey: privateKey.toString() };
    return mutual ? { ...pair, clientAuthority: authority.toString() } : pair;
  }

  it('goes over TLS to a server of a private authority', async () => {
    const { address } = await server({}, { tls: tlsOf(false) });
    const engine = await adapter({ RIVA_URI: address, RIVA_SSL_CA: certificates.env.GRPC_TLS_CA });
    expect((await transcribed(engine, longSpeech.pcm)).texts).toEqual(longSpeech.texts);
  });

  it('is refused where the authority is another one, and says so', async () => {
    const { address } = await server({}, { tls: tlsOf(false) });
    const engine = await adapter({ RIVA_URI: address, RIVA_SSL: 'true' });
    expect(healthOf(engine)).toEqual({
      state: 'unavailable',
      reason: `${address}: Riva at ${address} cannot be reached`,
    });
  });

  it('shows a certificate to a server that wants one', async () => {
    const { address } = await server({}, { tls: tlsOf(true) });
    const { GRPC_TLS_CA: ca, GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key } = certificates.env;
    const stranger = await adapter({ RIVA_URI: address, RIVA_SSL_CA: ca });
    expect(healthOf(stranger).state).toBe('unavailable');
    const known = await adapter({ RIVA_URI: address, RIVA_SSL_CA: ca, RIVA_SSL_CERT: cert, RIVA_SSL_KEY: key });
    expect((await transcribed(known, longSpeech.pcm)).texts).toEqual(longSpeech.texts);
  });

  it('sends function and key to the hosted service, with every call', async () => {
    const hosted = { functionId, apiKey: 'nvapi-secret' };
    const simulator = await server({ hosted, health: 'missing' }, { tls: tlsOf(false) });
    const tls = { RIVA_URI: simulator.address, RIVA_SSL_CA: certificates.env.GRPC_TLS_CA };
    const engine = await adapter({ ...tls, RIVA_FUNCTION_ID: functionId, RIVA_API_KEY: 'nvapi-secret' });
    expect((await transcribed(engine, longSpeech.pcm)).texts).toEqual(longSpeech.texts);
    for (const { metadata } of simulator.seen.calls) {
      expect(metadata).toMatchObject({ 'function-id': [functionId], authorization: ['Bearer nvapi-secret'] });
    }
  });

  it('says what is wrong with function or key, and never prints the key', async () => {
    const hosted = { functionId, apiKey: 'nvapi-secret' };
    const { address } = await server({ hosted, health: 'missing' }, { tls: tlsOf(false) });
    const tls = { RIVA_URI: address, RIVA_SSL_CA: certificates.env.GRPC_TLS_CA };
    const wrongKey = await adapter({ ...tls, RIVA_FUNCTION_ID: functionId, RIVA_API_KEY: 'nvapi-wrong' });
    expect(healthOf(wrongKey).reason).toMatch(/refuses our credentials; check RIVA_API_KEY/);
    expect(JSON.stringify(wrongKey.describe())).not.toContain('nvapi');
    const otherFunction = functionId.replace('1598', '9999');
    const rotated = await adapter({ ...tls, RIVA_FUNCTION_ID: otherFunction, RIVA_API_KEY: 'nvapi-secret' });
    expect(healthOf(rotated).reason).toMatch(/knows no such function for this account; check RIVA_FUNCTION_ID/);
  });

  describe('of which one is told', () => {
    it('that models are loading, by standard health, and when they are there', async () => {
      const simulator = await server({ health: 'not_serving' });
      const engine = await adapter({ RIVA_URI: simulator.address });
      expect(healthOf(engine).reason).toMatch(/not serving; its models may be loading/);
      simulator.setServing(true);
      await turns(engine, 'serving');
      expect(engine.describe().capabilities.models).toHaveLength(2);
    });

    it('that it is well, by the configuration, where standard health is missing', async () => {
      const { address, seen } = await server({ health: 'missing' });
      const engine = await adapter({ RIVA_URI: address });
      expect(healthOf(engine)).toEqual({ state: 'serving', reason: '' });
      expect(seen.of('GetRivaSpeechRecognitionConfig').length).toBeGreaterThan(0);
    });

    it('that no models are loaded', async () => {
      const { address } = await server({ models: [] });
      const engine = await adapter({ RIVA_URI: address });
      expect(healthOf(engine).reason).toMatch(/no speech recognition models loaded/);
      // Another engine may serve the call, or this one once it has loaded them.
      await expect(transcribed(engine, longSpeech.pcm, { model: 'parakeet' })).rejects.toMatchObject({
        code: 'engine_unavailable',
        message: expect.stringContaining('no speech recognition models loaded') as unknown,
      });
    });

    it('that there is no speech recognition at all, once a call has found out', async () => {
      const { address } = await server({ asr: 'missing' });
      const engine = await adapter({ RIVA_URI: address });
      await expect(transcribed(engine, longSpeech.pcm)).rejects.toMatchObject({ code: 'engine_bad_response' });
      expect(healthOf(engine).reason).toMatch(/has no speech recognition/);
    });

    it('that it is well, as soon as a server that had no speech recognition is back with it', async () => {
      const without = await server({ asr: 'missing' });
      const engine = await adapter({ RIVA_URI: without.address });
      await expect(transcribed(engine, longSpeech.pcm)).rejects.toMatchObject({ code: 'engine_bad_response' });
      await without.stop();
      await eventually('it to be gone', () => healthOf(engine).reason.includes('cannot be reached'));
      await server({}, { port: without.port });
      await turns(engine, 'serving');
    }, 60_000);

    it('what the configuration says, where the server does not tell', async () => {
      const models = [{ name: 'x', type: 'offline', languages: ['de-DE'] }] as const;
      const { address } = await server({ models, configRpc: 'missing' });
      const engine = await adapter({ RIVA_URI: address, RIVA_LANGUAGE: 'de-DE', RIVA_MODEL_TYPE: 'offline' });
      expect(engine.describe().capabilities).toMatchObject({ languages: ['de-DE'], models: [], defaultModel: '' });
      const { texts } = await transcribed(engine, longSpeech.pcm, { language: 'de' });
      expect(texts).toEqual(longSpeech.texts);
    });
  });

  it('is mended by itself within ten seconds of the return of the server', async () => {
    const port = await freePort();
    const engine = await adapter({ RIVA_URI: `127.0.0.1:${port}` });
    expect(healthOf(engine).state).toBe('unavailable');
    for (let round = 0; round < 2; round += 1) {
      const simulator = await startRivaSimulator({}, { port });
      await turns(engine, 'serving');
      await simulator.stop();
      await turns(engine, 'unavailable');
    }
  }, 60_000);

  it('bears that the server is killed and started again in the middle of a file', async () => {
    const port = await freePort();
    const first = await RivaSimulatorProcess.start({}, { port });
    ending.push(() => first.kill());
    const engine = await adapter({ RIVA_URI: first.address });
    const expected = (await transcribed(engine, longSpeech.pcm, { wordTimestamps: true })).segments;
    async function* interrupted(): AsyncGenerator<Uint8Array, void> {
      const middle = Math.floor(longSpeech.pcm.length / 4) * 2;
      yield* inChunks(longSpeech.pcm.subarray(0, middle));
      await first.kill();
      const second = await RivaSimulatorProcess.start({}, { port });
      ending.push(() => second.kill());
      yield* inChunks(longSpeech.pcm.subarray(middle));
    }
    const { segments, summary } = await transcribed(engine, interrupted(), { wordTimestamps: true });
    expect(segments).toEqual(expected);
    expect(summary?.audioMs).toBe(longSpeech.durationMs);
  }, 60_000);

  describe('to several servers', () => {
    it('shares calls out by load', async () => {
      const servers = [await server(), await server()];
      const engine = await adapter({ RIVA_URI: servers.map(({ address }) => address).join(',') });
      expect(engine.describe().capabilities.maxConcurrency).toBe(32);
      await Promise.all(Array.from({ length: 6 }, () => transcribed(engine, longSpeech.pcm)));
      expect(servers.map(({ seen }) => seen.of('StreamingRecognize').length)).toEqual([3, 3]);
    });

    it('goes on with the other where one dies in the middle of a file', async () => {
      const dying = await server({ faults: [{ when: { at: 'finals', count: 3 }, does: { kind: 'die' } }] });
      const other = await server();
      const engine = await adapter({ RIVA_URI: `${dying.address},${other.address}` });
      const calls = await Promise.all([transcribed(engine, longSpeech.pcm), transcribed(engine, longSpeech.pcm)]);
      expect(calls.map(({ texts }) => texts)).toEqual([longSpeech.texts, longSpeech.texts]);
      expect(other.seen.of('StreamingRecognize').length).toBeGreaterThanOrEqual(2);
      expect(healthOf(engine)).toEqual({ state: 'serving', reason: '' });
      await eventually('half of the places', () => engine.describe().capabilities.maxConcurrency === 16);
    });

    it('asks each for what it has alone', async () => {
      const english = await server();
      const german = await server({ models: [{ name: 'de', type: 'online', languages: ['de-DE'] }] });
      const engine = await adapter({ RIVA_URI: `${english.address},${german.address}` });
      expect(engine.describe().capabilities.languages).toEqual(['en-US', 'de-DE']);
      const { summary } = await transcribed(engine, longSpeech.pcm, { language: 'de' });
      expect(summary).toMatchObject({ language: 'de-DE', model: 'de' });
      await german.stop();
      await expect(transcribed(engine, longSpeech.pcm, { language: 'de' })).rejects.toMatchObject({
        code: 'engine_unavailable',
      });
    }, 60_000);

    it('takes another model of the language where the server of the first is away', async () => {
      const model = (name: string) => ({ models: [{ name, type: 'online', languages: ['en-US'] }] }) as const;
      const first = await server(model('a'));
      const second = await server(model('b'));
      const engine = await adapter({ RIVA_URI: `${first.address},${second.address}`, RIVA_MODEL: 'a' });
      expect((await transcribed(engine, longSpeech.pcm)).summary?.model).toBe('a');
      await first.stop();
      await eventually('half of the places', () => engine.describe().capabilities.maxConcurrency === 16);
      expect((await transcribed(engine, longSpeech.pcm)).summary?.model).toBe('b');
    }, 60_000);

    it('asks for a language only where it is served, whatever the models are called', async () => {
      const model = (language: string) => ({ models: [{ name: 'm', type: 'online', languages: [language] }] }) as const;
      const servers = [await server(model('en-US')), await server(model('es-US'))];
      const engine = await adapter({ RIVA_URI: servers.map(({ address }) => address).join(',') });
      for (const language of ['es', 'es', 'en', 'en']) await transcribed(engine, longSpeech.pcm, { language });
      expect(servers.map(({ seen }) => seen.of('StreamingRecognize').length)).toEqual([2, 2]);
    });

    it('says of each why it cannot be used', async () => {
      const full = await server({ faults: [{ does: { kind: 'error', error: rivaErrors.noFreeSlot } }], models: [] });
      const port = await freePort();
      const engine = await adapter({ RIVA_URI: `${full.address},127.0.0.1:${port}` });
      expect(healthOf(engine).reason).toMatch(
        new RegExp(`^${full.address}: it has no speech .*; 127.0.0.1:${port}: Riva at .* cannot be reached$`),
      );
    });
  });
});
