import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type EngineEvent, type EngineRequest, PolyscribeError, type RegistrySnapshot } from '#contracts';
import { RegistryWatcher, RemoteEngine } from '#engine-client';
import { type HostedEngine, hostEngine } from '#engine-host';
import {
  CountedAudio,
  MeshedEngine,
  type Script,
  ScriptedEngine,
  overGrpc,
  scriptedFixtures,
  scriptedSpeech,
  speechEngineContract,
  testContext,
} from '#engine-testkit';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { engineV1, healthV1, registryV1 } from '#protos';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { Status } from 'nice-grpc';
import { defaultRegistrySettings } from '../../apps/engine-registry/engine-registry.module.js';
import { startEngineRegistry } from '../../apps/engine-registry/start-engine-registry.js';

const settings = {
  ...defaultRegistrySettings,
  leases: { leaseMs: 1_500, heartbeatMs: 200, sweepMs: 100, maxInstances: 10 },
};
const logger = createLogger('test', 'silent');

async function startRegistry(port = '0'): Promise<{ address: string; stop(): Promise<void> }> {
  const running = await startEngineRegistry(testContext({}, { ENGINE_REGISTRY_PORT: port }), settings);
  return { address: running.endpoints?.registry ?? '', stop: () => running.stop() };
}

speechEngineContract(
  'ScriptedEngine through the real registry',
  () => new MeshedEngine(new ScriptedEngine(), startRegistry),
  overGrpc(scriptedFixtures),
);

describe('the engine mesh', () => {
  const cleanUps: (() => Promise<void> | void)[] = [];
  let registry: { address: string; stop(): Promise<void> };
  let watcher: RegistryWatcher;
  let remote: RemoteEngine;

  beforeEach(async () => {
    registry = await startRegistry();
    watcher = new RegistryWatcher({ address: registry.address, logger, graceMs: 1_000 });
    remote = new RemoteEngine();
  });

  afterEach(async () => {
    remote.close();
    await watcher.close();
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
    await registry.stop();
  });

  async function host(
    engine: ScriptedEngine,
    options: { idleMs?: number; env?: NodeJS.ProcessEnv } = {},
  ): Promise<HostedEngine> {
    const { env = {}, ...rest } = options;
    const context = testContext({ registry: registry.address }, env);
    const hosted = await hostEngine({ engine, context, stopGraceMs: 1_000, ...rest });
    cleanUps.push(() => hosted.stop());
    return hosted;
  }

  function ids({ instances }: RegistrySnapshot): string[] {
    return instances.map((instance) => instance.id);
  }

  function seen(what: (snapshot: RegistrySnapshot) => boolean): Promise<RegistrySnapshot> {
    return watcher.waitFor(what, AbortSignal.timeout(30_000));
  }

  const request: EngineRequest = {
    requestId: 'r-1',
    task: 'transcribe',
    wordTimestamps: false,
    phrases: [],
    profile: 'balanced',
    engineOptions: {},
    partialResults: false,
    onUnsupported: 'refuse',
  };

  function call(address: string, audio: AsyncIterable<Uint8Array>, signal = new AbortController().signal) {
    return remote.transcribe(address, request, audio, signal);
  }

  async function outcome(events: AsyncIterable<EngineEvent>): Promise<string> {
    try {
      const texts: string[] = [];
      for await (const event of events) if (event.type === 'segment') texts.push(event.segment.text);
      return texts.join(' ');
    } catch (error) {
      return error instanceof PolyscribeError ? error.code : String(error);
    }
  }

  const speech = scriptedSpeech([['alpha', 'bravo'], ['charlie']]);
  const spoken = (): CountedAudio => new CountedAudio({ pcm: speech });
  const scripted = (script: Script): ScriptedEngine => new ScriptedEngine(script);

  describe('registry', () => {
    it('shows an instance as long as it runs', async () => {
      const hosted = await host(new ScriptedEngine());
      await seen((snapshot) => ids(snapshot).includes(hosted.instanceId));
      await hosted.stop();
      await expect(seen((snapshot) => snapshot.instances.length === 0)).resolves.toBeDefined();
    });

    it('drops an instance that falls silent without a word', async () => {
      const channel = createGrpcChannel(registry.address);
      const client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, { unaryDeadlineMs: 5_000 });
      const hosted = await host(new ScriptedEngine());
      const { instances } = await client.list({ engine: 'local' });
      await client.register({ ...instances[0], instanceId: 'dies-soon' });
      await seen((snapshot) => ids(snapshot).includes('dies-soon'));
      await seen((snapshot) => !ids(snapshot).includes('dies-soon'));
      expect(ids(watcher.snapshot())).toEqual([hosted.instanceId]);
      await expect(client.list({ engine: 'asr' })).resolves.toMatchObject({ instances: [] });
      channel.close();
    });

    it('refuses an announcement that cannot be, and names the field', async () => {
      const channel = createGrpcChannel(registry.address);
      const client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, { unaryDeadlineMs: 5_000 });
      await expect(client.register({ instanceId: 'x', address: 'nowhere' })).rejects.toMatchObject({
        code: Status.INVALID_ARGUMENT,
        details: 'address is not host:port.',
      });
      await expect(client.heartbeat({ leaseId: 'none' })).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
      await expect(client.deregister({ leaseId: 'none' })).resolves.toEqual({});
      channel.close();
    });

    it('tells of a change in health and in load', async () => {
      const engine = scripted({ behave: () => ({ kind: 'hang' }) });
      const hosted = await host(engine);
      await seen(({ instances }) => instances.length === 1);
      engine.health = { state: 'unavailable', reason: 'backend away' };
      await seen(({ instances }) => instances[0]?.description.health.reason === 'backend away');
      const abort = new AbortController();
      const running = outcome(call(hosted.address, spoken(), abort.signal));
      await seen(({ instances }) => instances[0]?.inFlight === 1);
      abort.abort();
      await running;
      await expect(seen(({ instances }) => instances[0]?.inFlight === 0)).resolves.toBeDefined();
    });

    it('is lost and found: the last list stays, instances come back by themselves, nobody is missed meanwhile', async () => {
      const hosted = await host(new ScriptedEngine());
      await seen((snapshot) => ids(snapshot).includes(hosted.instanceId));
      const missed: string[][] = [];
      cleanUps.push(watcher.onChange((snapshot) => missed.push(ids(snapshot))));
      const port = registry.address.split(':')[1];
      await registry.stop();
      await eventually('the watcher to notice', () => !watcher.connected);
      expect(ids(watcher.snapshot())).toEqual([hosted.instanceId]);
      expect(watcher.ageMs).toBeGreaterThan(0);
      await expect(outcome(call(hosted.address, spoken()))).resolves.toBe('alpha bravo charlie');

      registry = await startRegistry(port);
      await eventually('the watcher to come back', () => watcher.connected);
      const { revision } = await seen((snapshot) => snapshot.revision > 0 && watcher.connected);
      expect(revision).toBeGreaterThan(0);
      await eventually('the instance to be listed by the new registry', async () => {
        const channel = createGrpcChannel(registry.address);
        const client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, {
          unaryDeadlineMs: 5_000,
        });
        const { instances } = await client.list({ engine: '' });
        channel.close();
        return instances.length === 1;
      });
      expect(missed.filter((list) => !list.includes(hosted.instanceId))).toEqual([]);
    });

    it('drops after the grace an instance that did not come back with the registry', async () => {
      const hosted = await host(new ScriptedEngine());
      await seen((snapshot) => ids(snapshot).includes(hosted.instanceId));
      const port = registry.address.split(':')[1];
      await registry.stop();
      await hosted.stop();
      registry = await startRegistry(port);
      await expect(seen((snapshot) => snapshot.instances.length === 0)).resolves.toBeDefined();
    });
  });

  describe('engine host', () => {
    it('answers health checks and describes its engine', async () => {
      const { address } = await host(new ScriptedEngine());
      const channel = createGrpcChannel(address);
      const client = createGrpcClient(healthV1.HealthDefinition, channel, { unaryDeadlineMs: 5_000 });
      const { SERVING } = healthV1.HealthCheckResponse_ServingStatus;
      await expect(client.check({ service: 'polyscribe.engine.v1.EngineService' })).resolves.toEqual({
        status: SERVING,
      });
      await expect(remote.describe(address)).resolves.toMatchObject({ engine: 'local', version: 'scripted' });
      channel.close();
    });

    it('says busy at once when it serves as many calls as it can, and recovers', async () => {
      const engine = scripted({
        capabilities: { maxConcurrency: 1 },
        behave: (number) => ({ kind: number === 1 ? 'hang' : 'work' }),
      });
      const { address } = await host(engine);
      const abort = new AbortController();
      const first = outcome(call(address, spoken(), abort.signal));
      await eventually('the first call', () => engine.calls.length === 1);
      await expect(outcome(call(address, spoken()))).resolves.toBe('engine_busy');
      abort.abort();
      await expect(first).resolves.toBe('cancelled');
      await eventually('room', async () => (await outcome(call(address, spoken()))) === 'alpha bravo charlie');
      expect(engine.calls[0]?.state).toBe('aborted');
    });

    it.each([
      ['unsupported_media', 'unsupported_media'],
      ['engine_unavailable', 'engine_unavailable'],
      ['engine_timeout', 'engine_timeout'],
      ['engine_bad_response', 'engine_bad_response'],
      ['internal', 'engine_bad_response'],
    ] as const)('hands on the engine error %s as %s after the segments before it', async (code, seen) => {
      const { address } = await host(scripted({ behave: () => ({ kind: 'fail', code, afterSegments: 1 }) }));
      const texts: string[] = [];
      const run = async (): Promise<void> => {
        for await (const event of call(address, spoken())) if (event.type === 'segment') texts.push(event.segment.text);
      };
      await expect(run()).rejects.toMatchObject({ code: seen });
      expect(texts).toEqual(['alpha bravo']);
    });

    it('finds out an engine that sends what cannot be', async () => {
      const { address } = await host(scripted({ behave: () => ({ kind: 'garbage' }) }));
      await expect(outcome(call(address, spoken()))).resolves.toBe('engine_bad_response');
    });

    it('ends a call that lasts too long as a timeout, and stops the engine', async () => {
      const engine = scripted({ behave: () => ({ kind: 'hang' }) });
      const { address } = await host(engine, { env: { JOB_TIMEOUT: '1' } });
      await expect(outcome(call(address, spoken()))).resolves.toBe('engine_timeout');
      await eventually('the engine to stop', () => engine.calls[0]?.state === 'aborted');
    });

    it('ends a call whose client sends nothing, and blames nobody', async () => {
      const engine = new ScriptedEngine();
      const { address } = await host(engine, { idleMs: 100 });
      const audio = new CountedAudio({ pcm: speech, end: 'hang' });
      await expect(outcome(call(address, audio))).resolves.toBe('dependency_unavailable');
      await eventually('the engine to stop', () => engine.calls[0]?.state === 'aborted');
      expect(audio.isReleased).toBe(true);
    });

    it('takes no audio before the configuration', async () => {
      const { address } = await host(new ScriptedEngine());
      const channel = createGrpcChannel(address);
      const client = createGrpcClient(engineV1.EngineServiceDefinition, channel, { unaryDeadlineMs: 5_000 });
      const audio = { payload: { $case: 'audio' as const, value: Buffer.alloc(2) } };
      const config = { payload: { $case: 'config' as const, value: { language: 'en' } } };
      const first = client.transcribe(streamOf([audio]))[Symbol.asyncIterator]();
      await expect(first.next()).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
      const twice = client.transcribe(streamOf([config, config]))[Symbol.asyncIterator]();
      await expect(twice.next()).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
      channel.close();
    });

    it('reports how fast the engine is', async () => {
      // Mostly at work, however long a busy machine takes over the audio: other calls are not measured.
      const { address } = await host(scripted({ workMsPerSecond: 1_000 }));
      await expect(outcome(call(address, spoken()))).resolves.toBe('alpha bravo charlie');
      const { instances } = await seen((snapshot) => (snapshot.instances[0]?.speed ?? 0) > 0);
      expect(instances[0]?.speed).toBeLessThan(1000);
    });

    it('finishes what runs when it is stopped, and takes nothing new', async () => {
      const engine = scripted({ workMsPerSecond: 100 });
      const hosted = await host(engine);
      const events = call(hosted.address, spoken())[Symbol.asyncIterator]();
      await events.next();
      const stopped = hosted.stop();
      await expect(outcome({ [Symbol.asyncIterator]: () => events })).resolves.toContain('charlie');
      await stopped;
      await expect(outcome(call(hosted.address, spoken()))).resolves.toBe('engine_unavailable');
      expect([engine.starts, engine.stops]).toEqual([1, 1]);
    });

    it('breaks off what still runs after the grace, which is a failure of the engine and no cancel', async () => {
      const engine = scripted({ behave: () => ({ kind: 'hang' }) });
      const hosted = await host(engine);
      const running = outcome(call(hosted.address, spoken()));
      await eventually('the call', () => engine.calls.length === 1);
      await hosted.stop();
      await expect(running).resolves.toBe('engine_unavailable');
      expect(engine.calls[0]?.state).toBe('aborted');
    });

    it('frees everything when it cannot be served', async () => {
      const other = await host(new ScriptedEngine());
      const engine = new ScriptedEngine();
      const port = other.address.split(':')[1];
      await expect(host(engine, { env: { ENGINE_PORT: port } })).rejects.toThrow('ENGINE_PORT');
      expect(engine.stops).toBe(1);
    });

    it('serves while the registry is away and registers when it comes', async () => {
      const port = registry.address.split(':')[1];
      await registry.stop();
      const hosted = await host(new ScriptedEngine());
      await expect(outcome(call(hosted.address, spoken()))).resolves.toBe('alpha bravo charlie');
      registry = await startRegistry(port);
      await seen((snapshot) => ids(snapshot).includes(hosted.instanceId));
    });
  });

  it('outlives an engine process that is killed: the call fails, the registry drops the instance', async () => {
    const main = fileURLToPath(new URL('../../libs/engine-testkit/main.js', import.meta.url));
    const child = spawn(process.execPath, [main], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        ENGINE_REGISTRY_URL: registry.address,
        LOG_LEVEL: 'silent',
        SCRIPTED_ENGINE: 'asr',
        SCRIPTED_BEHAVIOUR: 'hang',
        SCRIPTED_AFTER_SEGMENTS: '1',
      },
      stdio: 'ignore',
    });
    cleanUps.push(() => void child.kill('SIGKILL'));
    const { instances } = await seen(({ instances: [first] }) => first?.description.engine === 'asr');
    const events = call(instances[0]?.address ?? '', spoken());
    for (let event = await events.next(); !event.done && event.value.type !== 'segment';) event = await events.next();
    const rest = outcome(events);
    child.kill('SIGKILL');
    await expect(rest).resolves.toBe('engine_unavailable');
    await expect(seen((snapshot) => snapshot.instances.length === 0)).resolves.toBeDefined();
  });

  describe('remote engine', () => {
    it('gives up on an engine that gives no sign of life', async () => {
      const { address } = await host(scripted({ behave: () => ({ kind: 'hang' }) }));
      const events = remote.transcribe(address, request, spoken(), new AbortController().signal, { idleMs: 200 });
      await expect(outcome(events)).resolves.toBe('engine_timeout');
    });

    it('gives up at the deadline, which is not a cancel', async () => {
      const { address } = await host(scripted({ behave: () => ({ kind: 'hang' }) }));
      const events = remote.transcribe(address, request, spoken(), new AbortController().signal, { deadlineMs: 200 });
      await expect(outcome(events)).resolves.toBe('engine_timeout');
    });

    it('keeps a call alive whose instance left the registry, and opens a new connection for the next', async () => {
      const { address } = await host(scripted({ workMsPerSecond: 50 }));
      const events = call(address, spoken())[Symbol.asyncIterator]();
      await events.next();
      remote.retain({ instances: [], revision: 1 });
      await expect(outcome({ [Symbol.asyncIterator]: () => events })).resolves.toContain('charlie');
      await expect(outcome(call(address, spoken()))).resolves.toBe('alpha bravo charlie');
    });
  });
});

async function* streamOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}
