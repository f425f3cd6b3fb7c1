import { bind, type Config, ConfigError, loadConfig } from '#config';
import { createLogger, Metrics, type MetricsServer, serveMetrics } from '#telemetry';
import { letHeapGrow } from './heap-growth.js';
import type { ServiceDefinition } from './service-definition.js';
import { startServices } from './service-host.js';

/** How long a stop may take before the process gives up: what is then unfinished is taken over by its lease. */
const STOP_DEADLINE_MS = 30_000;

/** Who stops a process group, as `timeout` does, signals twice at once; only a later signal means impatience. */
const IMPATIENCE_MS = 2_000;

/** What a process sends to the one that started it, where there is a channel: all services are up. */
export interface ReadyMessage {
  readonly type: 'ready';
  readonly http: string | undefined;
  readonly grpc: string | undefined;
  readonly registry: string | undefined;
  readonly metricsPort: number | undefined;
}

/**
 * The whole life of a process: read the configuration, start the services, wait for SIGTERM, SIGINT or a failure, stop.
 * Exit code 0 after a signal, 1 after a failure, which is told in one line on standard error. A second signal, seconds
 * later, ends the process at once. A process that was started with a channel to its parent also stops when the parent is gone.
 */
export async function runProcess(name: string, definitions: readonly ServiceDefinition[]): Promise<void> {
  letHeapGrow();
  const stopWanted = firstStopRequest();
  let metricsServer: MetricsServer | undefined;
  try {
    const config = loadConfig();
    const logger = createLogger(name, config.logLevel);
    const metrics = Metrics.ofProcess();
    metricsServer = await startMetricsServer(config, metrics);
    const started = await startServices(definitions, config, logger, metrics);
    const { http, grpc, registry } = started.endpoints;
    const { port: metricsPort } = metricsServer ?? {};
    logger.info({ http, grpc, registry, metricsPort }, 'ready');
    process.send?.({ type: 'ready', http, grpc, registry, metricsPort } satisfies ReadyMessage);

    const outcome = await Promise.race([stopWanted, started.failed]);
    if (outcome instanceof Error) {
      logger.fatal({ err: outcome }, 'a service failed');
      process.exitCode = 1;
    } else {
      logger.info({ reason: outcome }, 'stopping');
    }
    const deadline = setTimeout(() => {
      logger.fatal('stopping took too long');
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
    await started.stop();
    clearTimeout(deadline);
  } catch (error) {
    reportStartFailure(error);
    process.exitCode = 1;
  }
  await metricsServer?.close();
  if (process.connected) process.disconnect();
}

/** undefined where the configuration asks for none. */
async function startMetricsServer({ metrics }: Config, what: Metrics): Promise<MetricsServer | undefined> {
  const { host, port } = metrics;
  if (port === undefined) return undefined;
  return bind({ host, port, portVariable: 'METRICS_PORT' }, () => serveMetrics(what, host, port));
}

/** One line for people. The stack is for whoever asks for it with LOG_LEVEL=debug; a configuration mistake has none. */
function reportStartFailure(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`polyscribe: ${message}\n`);
  if (!(error instanceof ConfigError) && ['debug', 'trace'].includes(process.env['LOG_LEVEL'] ?? '')) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? '') : ''}\n`);
  }
}

function firstStopRequest(): Promise<string> {
  return new Promise((resolve) => {
    process.once('disconnect', () => resolve('parent gone'));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      let first: number | undefined;
      process.on(signal, () => {
        first ??= performance.now();
        if (performance.now() - first > IMPATIENCE_MS) process.exit(1);
        resolve(signal);
      });
    }
  });
}
