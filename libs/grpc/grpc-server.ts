import { healthV1, readDescriptorSet } from '#protos';
import type { Logger } from '#telemetry';
import {
  type CallContext,
  type Server,
  type ServiceImplementation,
  type TsProtoServiceDefinition,
  createServer,
} from 'nice-grpc';
import { errorDetailsServerMiddleware } from 'nice-grpc-error-details';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import { HealthService } from './health.service.js';
import './library-log.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { malformedMiddleware, withMalformed } from './malformed-messages.js';
import { receiveWindow } from './receive-window.js';
import type { RequestIdContext } from './request-id.js';
import { errorMiddleware, requestIdMiddleware } from './server-middleware.js';
import { type GrpcTls, serverCredentials } from './tls.js';

/** Once calls are broken off, their connections close within that long. */
const FORCED_STOP_MS = 1_000;

/** What handlers get beside the request. */
export type GrpcCallContext = CallContext & RequestIdContext;

export interface GrpcServerSettings {
  readonly logger: Logger;
  /** In the clear unless given. */
  readonly tls?: GrpcTls | undefined;
  /** Largest message that is taken; 4 MiB unless told otherwise. */
  readonly maxReceiveBytes?: number;
  /** What clients may send ahead of whoever reads, in each call; HTTP/2's 64 KiB unless told otherwise. */
  readonly receiveWindowBytes?: number;
}

/**
 * A gRPC server with what each of ours has: errors by the error table, request ids, grpc.health.v1 and reflection.
 *
 * Add services, then listen, then stop; each once.
 */
export class GrpcServer {
  private readonly server: Server<RequestIdContext>;
  private readonly serviceNames: string[] = [];
  private readonly stopController = new AbortController();
  readonly health = new HealthService(this.stopController.signal);
  private stopped: Promise<void> | undefined;

  constructor(private readonly settings: GrpcServerSettings) {
    this.server = createServer({
      'grpc.max_receive_message_length': settings.maxReceiveBytes ?? MAX_MESSAGE_BYTES,
      // A client that vanished without a word is noticed, so that what it held is freed.
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_concurrent_streams': 1_000,
      ...(settings.receiveWindowBytes !== undefined && { interceptors: [receiveWindow(settings.receiveWindowBytes)] }),
    })
      .use(errorDetailsServerMiddleware)
      .use(requestIdMiddleware)
      .use(errorMiddleware(settings.logger))
      .use(malformedMiddleware);
  }

  /** Aborted when the server begins to stop: handlers of endless streams end them then. */
  get stopping(): AbortSignal {
    return this.stopController.signal;
  }

  add<Service extends TsProtoServiceDefinition>(
    definition: Service,
    implementation: ServiceImplementation<Service, RequestIdContext>,
  ): this {
    this.server.add(withMalformed(definition), implementation);
    this.serviceNames.push(definition.fullName);
    this.health.set(definition.fullName, true);
    return this;
  }

  /**
   * Binds and serves.
   *
   * @param port 0 takes a free one
   * @returns host:port at which a client on this machine reaches it
   * @throws Error when the address is taken or not ours
   */
  async listen(host: string, port: number): Promise<string> {
    this.add(healthV1.HealthDefinition, this.health);
    this.server.add(ServerReflectionService, ServerReflection(await readDescriptorSet(), this.serviceNames));
    const bound = await this.server.listen(hostAndPort(host, port), serverCredentials(this.settings.tls));
    return hostAndPort(isWildcard(host) ? '127.0.0.1' : host, bound);
  }

  /** Takes no new calls, waits for those that run, and breaks them off once `graceMs` are over. */
  stop(graceMs: number): Promise<void> {
    this.stopped ??= this.shutDown(graceMs);
    return this.stopped;
  }

  private async shutDown(graceMs: number): Promise<void> {
    this.health.setAllNotServing();
    this.stopController.abort();
    let timer: NodeJS.Timeout | undefined;
    const forced = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.server.forceShutdown();
        // A connection that breaks at that very moment (one that speaks no HTTP/2, say) is waited for in vain.
        timer = setTimeout(resolve, FORCED_STOP_MS);
      }, graceMs);
    });
    try {
      await Promise.race([this.server.shutdown(), forced]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether the host stands for every address of the machine, which nobody can connect to by that name. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** host:port, with an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}
