import { PolyscribeError, type RegistrySnapshot } from '#contracts';
import type { GrpcCallContext } from '#grpc';
import {
  fromWireAnnouncement,
  fromWireDescription,
  fromWireEndedCall,
  fromWireLoad,
  msToDuration,
  type registryV1,
  toWireInstance,
} from '#protos';
import type { Metrics, Logger } from '#telemetry';
import type { LeaseTable } from './lease-table.js';
import type { RegistryMetrics } from './registry-metrics.js';

/** Each watcher holds a stream and a list; more are refused. */
const MAX_WATCHERS = 1_000;
/** More calls in one report are refused; a worker sends no more at once. */
const MAX_REPORTED_CALLS = 1_000;

/** polyscribe.registry.v1.EngineRegistryService over the lease table. */
export class EngineRegistryService implements registryV1.EngineRegistryServiceImplementation {
  private watchers = 0;
  private readonly stopController = new AbortController();

  constructor(
    private readonly leases: LeaseTable,
    private readonly told: RegistryMetrics,
    private readonly logger: Logger,
  ) {}

  /** Tells Prometheus who watches. */
  tell(metrics: Metrics): void {
    metrics.reading('polyscribe_registry_watchers', 'Gateways and workers that watch the registry.', [], () => [
      { value: this.watchers },
    ]);
  }

  /** Ends every Watch. */
  endWatches(): void {
    this.stopController.abort();
  }

  register(request: registryV1.RegisterRequest): Promise<registryV1.RegisterResponse> {
    const { leaseMs, heartbeatMs } = this.leases.settings;
    return answer(() => ({
      ...this.leases.register(fromWireAnnouncement(request, 'invalid_request')),
      leaseTtl: msToDuration(leaseMs),
      heartbeatInterval: msToDuration(heartbeatMs),
    }));
  }

  heartbeat(request: registryV1.HeartbeatRequest): Promise<registryV1.HeartbeatResponse> {
    return answer(() => {
      const description = fromWireDescription(request.description, 'invalid_request');
      this.leases.renew(request.leaseId, { description, ...fromWireLoad(request.load, 'invalid_request') });
      return { leaseTtl: msToDuration(this.leases.settings.leaseMs) };
    });
  }

  deregister(request: registryV1.DeregisterRequest): Promise<registryV1.DeregisterResponse> {
    return answer(() => {
      this.leases.remove(request.leaseId);
      return {};
    });
  }

  list(request: registryV1.ListRequest): Promise<registryV1.ListResponse> {
    return answer(() => {
      const all = toWireSnapshot(this.leases.snapshot());
      const wanted = all.instances.filter(({ description }) => description?.engine === request.engine);
      return request.engine === '' ? all : { ...all, instances: wanted };
    });
  }

  report({ calls: told }: registryV1.ReportRequest): Promise<registryV1.ReportResponse> {
    return answer(() => {
      if (told.length > MAX_REPORTED_CALLS) {
        throw new PolyscribeError('invalid_request', `One report takes ${String(MAX_REPORTED_CALLS)} calls.`);
      }
      const calls = told.map((call) => fromWireEndedCall(call, 'invalid_request'));
      this.told.reported(calls);
      for (const instance of this.leases.report(calls)) {
        const { id, description, breaker } = instance;
        const { state, reason } = breaker;
        this.told.breakerChanged(instance);
        this.logger.warn({ instance: id, engine: description.engine, breaker: state, reason }, 'a breaker changed');
      }
      return {};
    });
  }

  async *watch(
    _request: registryV1.WatchRequest,
    context: GrpcCallContext,
  ): AsyncGenerator<registryV1.WatchResponse, void> {
    if (this.watchers >= MAX_WATCHERS) throw new PolyscribeError('rate_limited', 'Too many watchers.');
    this.watchers += 1;
    try {
      const ended = AbortSignal.any([context.signal, this.stopController.signal]);
      let sent: number;
      do {
        const snapshot = this.leases.snapshot();
        sent = snapshot.revision;
        // A reader that takes its time holds us here; what changes meanwhile makes `after` answer at once.
        yield toWireSnapshot(snapshot);
      } while (await this.leases.changes.after(sent, ended));
    } finally {
      this.watchers -= 1;
    }
  }
}

function toWireSnapshot({ instances, revision }: RegistrySnapshot): registryV1.WatchResponse {
  return { instances: instances.map(toWireInstance), revision };
}

/** What the function throws becomes a rejection, as callers of a promise expect. */
function answer<T>(act: () => T): Promise<T> {
  return new Promise((resolve) => resolve(act()));
}
