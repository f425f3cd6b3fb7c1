import { type Config, ConfigError } from '#config';
import { type Logger, Metrics } from '#telemetry';
import type {
  EndpointName,
  Endpoints,
  RunningService,
  ServiceContext,
  ServiceDefinition,
} from './service-definition.js';
import { startOrder } from './start-order.js';

export interface StartedServices {
  /** All endpoints, configured and provided. */
  readonly endpoints: Endpoints;
  /** Resolves with the cause when one service dies by itself. */
  readonly failed: Promise<Error>;
  /** Stops all, last started first. Safe to call more than once. */
  stop(): Promise<void>;
}

/** The variable that configures an endpoint from outside, for the message that says it is missing. */
const variableOf: Readonly<Record<EndpointName, string>> = {
  database: 'DATABASE_URL',
  registry: 'ENGINE_REGISTRY_URL',
  http: 'APP_URL',
  grpc: 'GRPC_PORT',
};

/**
 * Starts services, each as soon as what it needs is there and side by side otherwise: one that loads a model does not
 * keep the others waiting. When one fails to start, all are stopped again and its error is thrown.
 *
 * @throws Error that names the service and the variable when an endpoint is neither configured nor provided, or when the
 *   definitions form a circle; ConfigError when nothing is left to start because a variable is not set.
 */
export async function startServices(
  definitions: readonly ServiceDefinition[],
  config: Config,
  logger: Logger,
  metrics: Metrics = new Metrics(),
): Promise<StartedServices> {
  const endpoints: Partial<Record<EndpointName, string>> = configuredEndpoints(config);
  const wanted = configured(definitions, config).filter(
    (d) => d.provides.length === 0 || d.provides.some((name) => !endpoints[name]),
  );
  const starts: { readonly definition: ServiceDefinition; readonly service: Promise<RunningService> }[] = [];

  for (const definition of startOrder(wanted, Object.keys(endpoints) as EndpointName[])) {
    const providers = starts.filter((other) =>
      other.definition.provides.some((name) => definition.needs.includes(name)),
    );
    const start = async (): Promise<RunningService> => {
      await Promise.all(providers.map((provider) => provider.service));
      const log = logger.child({ service: definition.name });
      const service = await definition.start(contextFor(definition, { config, logger: log, metrics }, endpoints));
      Object.assign(endpoints, service.endpoints);
      log.debug('started');
      return service;
    };
    starts.push({ definition, service: start() });
  }

  const outcomes = await Promise.allSettled(starts.map(({ service }) => service));
  const running = starts.flatMap(({ definition: { name } }, index) => {
    const outcome = outcomes[index];
    return outcome?.status === 'fulfilled' ? [{ name, service: outcome.value }] : [];
  });
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopAll(running, logger));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return { endpoints, failed: firstFailure(running), stop };
}

/** Those that the configuration asks for. A process that is to run just one such service must not idle without it. */
function configured(definitions: readonly ServiceDefinition[], config: Config): readonly ServiceDefinition[] {
  const kept = definitions.filter(({ requires }) => requires?.isSet(config) ?? true);
  const [first] = definitions;
  if (kept.length === 0 && first?.requires) {
    throw new ConfigError(`Bad configuration: ${first.name} needs ${first.requires.variable} to be set.`);
  }
  return kept;
}

/** Resolves when one of them dies by itself; never when none can. */
function firstFailure(running: readonly { service: RunningService }[]): Promise<Error> {
  const never = new Promise<Error>(() => {
    // A race over no promises would not resolve either, but this gives it its type.
  });
  return Promise.race([never, ...running.flatMap(({ service }) => (service.failed ? [service.failed] : []))]);
}

function configuredEndpoints(config: Config): Partial<Record<EndpointName, string>> {
  return {
    ...(config.databaseUrl === undefined ? {} : { database: config.databaseUrl }),
    ...(config.registry.url === undefined ? {} : { registry: config.registry.url }),
  };
}

function contextFor(
  definition: ServiceDefinition,
  shared: Pick<ServiceContext, 'config' | 'logger' | 'metrics'>,
  endpoints: Endpoints,
): ServiceContext {
  return {
    ...shared,
    endpoint(name) {
      const address = endpoints[name];
      if (address === undefined) {
        throw new Error(`${definition.name} needs ${name}: set ${variableOf[name]} or run a service that provides it.`);
      }
      return address;
    },
  };
}

async function stopAll(running: { name: string; service: RunningService }[], logger: Logger): Promise<void> {
  for (const { name, service } of running.toReversed()) {
    try {
      await service.stop();
    } catch (error) {
      // The others must still be stopped: a socket left open by one is no reason to leave a database running.
      logger.error({ err: error, service: name }, 'could not be stopped cleanly');
    }
  }
}
