import { ConfigError, loadConfig } from '#config';
import { createLogger } from '#telemetry';
import type { ServiceDefinition } from './service-definition.js';
import { startServices } from './service-host.js';

/** How long a stop may take before the process gives up: what is then unfinished is taken over by its lease. */
const STOP_DEADLINE_MS = 30_000;

/**
 * The whole life of a process: read the configuration, start the services, wait for SIGTERM, SIGINT or a failure, stop.
 * Exit code 0 after a signal, 1 after a failure. A second signal ends the process at once.
 */
export async function runProcess(name: string, definitions: readonly ServiceDefinition[]): Promise<void> {
  let config;
  try {
    config = loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
    return;
  }
  const logger = createLogger(name, config.logLevel);
  const signalled = firstSignal();
  try {
    const started = await startServices(definitions, config, logger);
    logger.info({ http: started.endpoints.http, grpc: started.endpoints.grpc }, 'ready');
    const outcome = await Promise.race([signalled, started.failed]);
    if (outcome instanceof Error) {
      logger.fatal({ err: outcome }, 'a service failed');
      process.exitCode = 1;
    } else {
      logger.info({ signal: outcome }, 'stopping');
    }
    setTimeout(() => {
      logger.fatal('stopping took too long');
      process.exit(1);
    }, STOP_DEADLINE_MS).unref();
    await started.stop();
  } catch (error) {
    logger.fatal({ err: error }, error instanceof Error ? error.message : 'could not start');
    process.exitCode = 1;
  }
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        resolve(signal);
      });
    }
  });
}
