import { HealthService } from '#grpc';
import { type healthV1, riva } from '#protos';
import type { CallContext } from 'nice-grpc';
import { admitHosted } from './hosted-access.js';
import type { RivaScript } from './riva-script.js';
import type { SeenCalls } from './seen-calls.js';

/** Standard gRPC health for the server as a whole and for its speech recognition. */
export class SimulatedHealth implements healthV1.HealthServiceImplementation {
  private readonly health: HealthService;

  constructor(
    private readonly script: RivaScript,
    private readonly seen: SeenCalls,
    stopping: AbortSignal,
  ) {
    this.health = new HealthService(stopping);
    this.setServing(script.health !== 'not_serving');
  }

  setServing(serving: boolean): void {
    this.health.set('', serving);
    this.health.set(riva.RivaSpeechRecognitionDefinition.fullName, serving);
  }

  check(request: healthV1.HealthCheckRequest, context: CallContext): Promise<healthV1.HealthCheckResponse> {
    this.admit(context);
    return this.health.check(request);
  }

  watch(
    request: healthV1.HealthCheckRequest,
    context: CallContext,
  ): AsyncGenerator<healthV1.HealthCheckResponse, void> {
    this.admit(context);
    return this.health.watch(request, context);
  }

  private admit(context: CallContext): void {
    this.seen.healthChecks += 1;
    admitHosted(this.script.hosted, context.metadata);
  }
}
