import { setTimeout as delay } from 'node:timers/promises';
import type { EngineDescription } from '#contracts';
import { ChangeSignal, type GrpcClient, type GrpcTls, createGrpcChannel, createGrpcClient, fromGrpcError } from '#grpc';
import { type EngineLoad, WireReader, durationToMs, registryV1, toWireDescription, toWireLoad } from '#protos';
import type { Logger } from '#telemetry';
import { timeLimit } from '#timing';

export interface RegistrationSettings {
  /** host:port of one registry. */
  readonly registry: string;
  /** In the clear unless given. */
  readonly tls?: GrpcTls | undefined;
  readonly instanceId: string;
  /** host:port at which workers reach the instance. */
  readonly address: string;
  /** What to tell; from memory. */
  readonly report: () => { readonly description: EngineDescription; readonly load: EngineLoad };
  readonly logger: Logger;
}

const CALL_DEADLINE_MS = 2_000;
/** The registry says how often to beat; whatever it says, we stay between these. */
const LEAST_HEARTBEAT_MS = 100;
const MOST_HEARTBEAT_MS = 30_000;
/** Changes of the load are told at once, but not more often than that. */
const LEAST_GAP_MS = 200;
/** A registry that is away is asked again after that long, at most; half of it by chance. */
const RETRY_MS = 1_000;

/** Keeps one instance registered with one registry: beats, and registers again when the registry does not know it. */
export class Registration {
  private readonly client: GrpcClient<registryV1.EngineRegistryServiceDefinition>;
  private readonly closeChannel: () => void;
  private readonly stopping = new AbortController();
  private readonly changes = new ChangeSignal();
  private leaseId: string | undefined;
  private heartbeatMs = MOST_HEARTBEAT_MS;
  private failures = 0;
  private loop: Promise<void> | undefined;

  constructor(private readonly settings: RegistrationSettings) {
    const channel = createGrpcChannel(settings.registry, { tls: settings.tls });
    this.closeChannel = () => channel.close();
    this.client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, {
      unaryDeadlineMs: CALL_DEADLINE_MS,
    });
  }

  /** Resolves after the first try, whether the registry was there or not; goes on trying until `stop`. */
  async start(): Promise<void> {
    await this.tell();
    this.loop = this.run();
  }

  /** Something that the registry is told has changed. */
  changed(): void {
    this.changes.notify();
  }

  /** Stops beating and takes the instance off the list; a registry that does not answer drops it by itself. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
    if (this.leaseId !== undefined) {
      await this.client.deregister({ leaseId: this.leaseId }).catch((error: unknown) => {
        this.settings.logger.debug({ err: error }, 'could not deregister; the lease will run out');
      });
    }
    this.closeChannel();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const seen = this.changes.revision;
      const waitMs = this.failures === 0 ? this.heartbeatMs : Math.round((RETRY_MS * (1 + Math.random())) / 2);
      await this.waitFor(seen, waitMs, signal);
      // The stop deregisters; a beat of ours would only come after it.
      if (this.stopping.signal.aborted) return;
      await this.tell();
    }
  }

  /** Waits for the next beat: its time, or sooner a change, but never less than the gap. */
  private async waitFor(seen: number, waitMs: number, signal: AbortSignal): Promise<void> {
    const time = timeLimit(waitMs, signal);
    try {
      await delay(Math.min(LEAST_GAP_MS, waitMs), undefined, { signal }).catch(() => undefined);
      // While the registry is away changes do not matter: the next registration tells everything.
      await this.changes.after(this.failures === 0 ? seen : this.changes.revision, time.signal);
    } finally {
      time.clear();
    }
  }

  private async tell(): Promise<void> {
    const { logger, registry } = this.settings;
    try {
      if (this.leaseId === undefined || !(await this.beat(this.leaseId))) await this.register();
      if (this.failures > 0) logger.info({ registry }, 'registered again');
      this.failures = 0;
    } catch (thrown) {
      if (this.failures === 0) logger.warn({ err: thrown, registry }, 'the engine registry does not answer');
      this.failures += 1;
    }
  }

  private async register(): Promise<void> {
    const { instanceId, address, report } = this.settings;
    const { description, load } = report();
    const answer = await this.client.register({
      instanceId,
      address,
      description: toWireDescription(description),
      load: toWireLoad(load),
    });
    const read = new WireReader('engine_bad_response');
    const askedMs = durationToMs('heartbeat_interval', answer.heartbeatInterval, read);
    this.heartbeatMs = Math.min(Math.max(Math.round(askedMs), LEAST_HEARTBEAT_MS), MOST_HEARTBEAT_MS);
    this.leaseId = answer.leaseId;
  }

  /** @returns false when the registry does not know the lease */
  private async beat(leaseId: string): Promise<boolean> {
    const { description, load } = this.settings.report();
    try {
      await this.client.heartbeat({
        leaseId,
        description: toWireDescription(description),
        load: toWireLoad(load),
      });
      return true;
    } catch (thrown) {
      const error = fromGrpcError(thrown, { peer: 'dependency', name: 'engine registry' });
      if (error.code === 'not_found') return false;
      throw error;
    }
  }
}
