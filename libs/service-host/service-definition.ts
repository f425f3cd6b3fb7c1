import type { Config } from '#config';
import type { Logger, Metrics } from '#telemetry';

/**
 * Where a service is reached, by the role it plays. An endpoint is either configured (somebody else runs it) or provided
 * by a service of this process.
 *
 * - `database`: PostgreSQL connection URL
 * - `registry`: host:port of the engine registry, or of each of its replicas with commas between them
 * - `http`: base URL of the REST API
 * - `grpc`: host:port of the gRPC job API
 */
export type EndpointName = 'database' | 'registry' | 'http' | 'grpc';
export type Endpoints = Readonly<Partial<Record<EndpointName, string>>>;

export interface ServiceContext {
  readonly config: Config;
  readonly logger: Logger;
  /** What the process tells Prometheus; absent where nobody asks for it. */
  readonly metrics?: Metrics;
  /** Added to ENGINE_PORT and to the port that is advertised, where several apps with engines share the process. */
  readonly enginePortOffset?: number;
  /** The address behind an endpoint that the definition lists in `needs`. */
  endpoint(name: EndpointName): string;
}

/** A service that has been started. */
export interface RunningService {
  /** The addresses of what the definition lists in `provides`. */
  readonly endpoints?: Endpoints;
  /** Resolves when the service dies by itself; the process then stops. Absent where that cannot happen. */
  readonly failed?: Promise<Error>;
  /** Stops taking work, finishes or hands back what it has, frees everything. */
  stop(): Promise<void>;
}

/**
 * What an app exports: enough to start it alone or together with others, in the order that needs and provides give.
 */
export interface ServiceDefinition {
  readonly name: string;
  /** Endpoints that must be there before it starts. */
  readonly needs: readonly EndpointName[];
  /** Endpoints it gives. When all of them are configured already it is not started: somebody else runs it. */
  readonly provides: readonly EndpointName[];
  /** It is left out where this variable is not set; always started where absent. */
  readonly requires?: { readonly variable: string; isSet(config: Config): boolean };
  start(context: ServiceContext): Promise<RunningService>;
}
