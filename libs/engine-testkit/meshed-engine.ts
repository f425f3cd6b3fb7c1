import { type EngineDescription, type EngineEvent, type EngineRequest, SpeechEngine } from '#contracts';
import { RegistryWatcher, RemoteEngine } from '#engine-client';
import { type HostedEngine, hostEngine } from '#engine-host';
import { createLogger } from '#telemetry';
import { StubRegistry } from './stub-registry.js';
import { testContext } from './test-context.js';

/** A registry to register with: the stub, or the real one in tests that may start it. */
export interface TestRegistry {
  readonly address: string;
  stop(): Promise<void>;
}

/**
 * Another engine as a worker sees it: hosted, registered, found through the registry and called over gRPC. What it
 * describes is what the registry says.
 */
export class MeshedEngine extends SpeechEngine {
  private readonly remote = new RemoteEngine();
  private parts: { registry: TestRegistry; hosted: HostedEngine; watcher: RegistryWatcher } | undefined;

  constructor(
    private readonly engine: SpeechEngine,
    private readonly startRegistry: () => Promise<TestRegistry> = () => StubRegistry.start(),
  ) {
    super();
  }

  override async start(): Promise<void> {
    const registry = await this.startRegistry();
    const context = testContext({ registry: registry.address });
    const hosted = await hostEngine({ engine: this.engine, context, stopGraceMs: 1_000 });
    const watcher = new RegistryWatcher({ address: registry.address, logger: createLogger('test', 'silent') });
    this.parts = { registry, hosted, watcher };
    await watcher.waitFor(({ instances }) => instances.length > 0, AbortSignal.timeout(10_000));
  }

  override async stop(): Promise<void> {
    if (!this.parts) return;
    const { registry, hosted, watcher } = this.parts;
    await watcher.close();
    this.remote.close();
    await hosted.stop();
    await registry.stop();
  }

  override describe(): EngineDescription {
    return this.instance.description;
  }

  override transcribe(
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent> {
    return this.remote.transcribe(this.instance.address, request, audio, signal);
  }

  private get instance() {
    const [instance] = this.parts?.watcher.snapshot().instances ?? [];
    if (!instance) throw new Error('The engine is not registered.');
    return instance;
  }
}
