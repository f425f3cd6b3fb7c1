import { healthV1 } from '#protos';
import { type CallContext, ServerError, Status } from 'nice-grpc';
import { ChangeSignal } from './change-signal.js';

const { HealthCheckResponse_ServingStatus: ServingStatus } = healthV1;
type ServingStatus = healthV1.HealthCheckResponse_ServingStatus;

/** At most this many Watch calls at once: each holds memory for as long as its caller likes. */
const MAX_WATCHERS = 1000;

/** The standard grpc.health.v1 service. Services are unknown until their state is set; the server itself is serving. */
export class HealthService implements healthV1.HealthServiceImplementation {
  private readonly states = new Map<string, ServingStatus>([['', ServingStatus.SERVING]]);
  private readonly changes = new ChangeSignal();
  private watchers = 0;

  /** @param stopping ends every Watch, so that a graceful stop does not wait for watchers */
  constructor(private readonly stopping: AbortSignal) {}

  /** @param service full name; empty means the server as a whole */
  set(service: string, serving: boolean): void {
    const state = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    if (this.states.get(service) === state) return;
    this.states.set(service, state);
    this.changes.notify();
  }

  /** Says of everything that it takes no more calls. */
  setAllNotServing(): void {
    for (const service of this.states.keys()) this.set(service, false);
  }

  check(request: healthV1.HealthCheckRequest): Promise<healthV1.HealthCheckResponse> {
    const status = this.states.get(request.service);
    if (status === undefined) {
      return Promise.reject(new ServerError(Status.NOT_FOUND, 'This service is not known here.'));
    }
    return Promise.resolve({ status });
  }

  async *watch(
    request: healthV1.HealthCheckRequest,
    context: CallContext,
  ): AsyncGenerator<healthV1.HealthCheckResponse, void> {
    if (this.watchers >= MAX_WATCHERS) throw new ServerError(Status.RESOURCE_EXHAUSTED, 'Too many watchers.');
    this.watchers += 1;
    try {
      const ended = AbortSignal.any([context.signal, this.stopping]);
      let sent: ServingStatus | undefined;
      for (;;) {
        // Taken before the state is read: a change that comes while the reader is away is then seen by `after`.
        const revision = this.changes.revision;
        const status = this.states.get(request.service) ?? ServingStatus.SERVICE_UNKNOWN;
        if (status !== sent) yield { status };
        sent = status;
        if (!(await this.changes.after(revision, ended))) return;
      }
    } finally {
      this.watchers -= 1;
    }
  }
}
