import { closedBreaker, type EndedCall, type EngineInstance, PolyscribeError, unmeasured } from '#contracts';
import { ChangeSignal, GrpcServer } from '#grpc';
import {
  fromWireAnnouncement,
  fromWireDescription,
  fromWireEndedCall,
  fromWireLoad,
  msToDuration,
  registryV1,
  toWireInstance,
} from '#protos';
import { createLogger } from '#telemetry';

export interface StubRegistrySettings {
  /** 0 takes a free port. */
  readonly port?: number;
  readonly heartbeatMs?: number;
}

/**
 * An engine registry without leases, on real gRPC, for tests that cannot have the real one: what registers stays, and a
 * test can put in and take out what it likes.
 */
export class StubRegistry {
  readonly instances = new Map<string, EngineInstance>();
  /** What was reported of calls, in order. */
  readonly reports: EndedCall[] = [];
  registrations = 0;
  heartbeats = 0;
  private readonly changes = new ChangeSignal();
  private readonly server = new GrpcServer({ logger: createLogger('test', 'silent') });
  private boundTo = '';

  private constructor(private readonly settings: StubRegistrySettings) {}

  static async start(settings: StubRegistrySettings = {}): Promise<StubRegistry> {
    const registry = new StubRegistry(settings);
    registry.server.add(registryV1.EngineRegistryServiceDefinition, registry.service());
    registry.boundTo = await registry.server.listen('127.0.0.1', settings.port ?? 0);
    return registry;
  }

  /** host:port */
  get address(): string {
    return this.boundTo;
  }

  put(instance: EngineInstance): void {
    this.instances.set(instance.id, instance);
    this.changes.notify();
  }

  remove(id: string): void {
    this.instances.delete(id);
    this.changes.notify();
  }

  stop(): Promise<void> {
    return this.server.stop(1_000);
  }

  private service(): registryV1.EngineRegistryServiceImplementation {
    return {
      register: (request) => Promise.resolve(this.register(request)),
      heartbeat: async (request) => {
        this.heartbeats += 1;
        const known = this.instances.get(request.leaseId);
        if (!known) throw new PolyscribeError('not_found', 'This lease is not known; register again.');
        const description = fromWireDescription(request.description, 'invalid_request');
        await Promise.resolve();
        this.put({ ...known, description, ...fromWireLoad(request.load, 'invalid_request'), lastSeenAt: new Date() });
        return { leaseTtl: msToDuration(10_000) };
      },
      deregister: ({ leaseId }) => {
        this.remove(leaseId);
        return Promise.resolve({});
      },
      report: ({ calls }) => {
        this.reports.push(...calls.map((call) => fromWireEndedCall(call, 'invalid_request')));
        return Promise.resolve({});
      },
      list: () => Promise.resolve(this.list()),
      watch: (_request, { signal }) => this.watch(AbortSignal.any([signal, this.server.stopping])),
    };
  }

  private register(request: registryV1.RegisterRequest): registryV1.RegisterResponse {
    this.registrations += 1;
    const now = new Date();
    const announced = fromWireAnnouncement(request, 'invalid_request');
    this.put({ ...announced, registeredAt: now, lastSeenAt: now, stats: unmeasured, breaker: closedBreaker(now) });
    return {
      leaseId: announced.id,
      leaseTtl: msToDuration(10_000),
      heartbeatInterval: msToDuration(this.settings.heartbeatMs ?? 3_000),
    };
  }

  private list(): registryV1.ListResponse {
    return { instances: [...this.instances.values()].map(toWireInstance), revision: this.changes.revision };
  }

  private async *watch(ended: AbortSignal): AsyncGenerator<registryV1.WatchResponse, void> {
    let sent: number;
    do {
      sent = this.changes.revision;
      yield this.list();
    } while (await this.changes.after(sent, ended));
  }
}
