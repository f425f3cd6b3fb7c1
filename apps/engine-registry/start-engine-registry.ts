import { bind } from '#config';
import { GrpcServer } from '#grpc';
import { registryV1 } from '#protos';
import type { RunningService, ServiceContext } from '#service-host';
import { NestLogger } from '#telemetry';
import { NestFactory } from '@nestjs/core';
import { defaultRegistrySettings, EngineRegistryModule, type RegistrySettings } from './engine-registry.module.js';
import { EngineRegistryService } from './engine-registry.service.js';

/** Calls here take milliseconds; those that still run after that long are broken off. */
const STOP_GRACE_MS = 2_000;

/** Starts the registry at the configured address; port 0 takes a free one. */
export async function startEngineRegistry(
  { config, logger, metrics }: Pick<ServiceContext, 'config' | 'logger' | 'metrics'>,
  settings: RegistrySettings = defaultRegistrySettings,
): Promise<RunningService> {
  const options = { logger: new NestLogger(logger), abortOnError: false };
  const app = await NestFactory.createApplicationContext(
    EngineRegistryModule.with({ logger, metrics, tls: config.innerTls, settings }),
    options,
  );
  const service = app.get(EngineRegistryService);
  const server = new GrpcServer({ logger, tls: config.innerTls }).add(
    registryV1.EngineRegistryServiceDefinition,
    service,
  );
  try {
    const { host, port } = config.registry;
    const registry = await bind({ host, port, portVariable: 'ENGINE_REGISTRY_PORT' }, () => server.listen(host, port));
    if (metrics) service.tell(metrics);
    return {
      endpoints: { registry },
      async stop() {
        service.endWatches();
        await server.stop(STOP_GRACE_MS);
        await app.close();
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}
